"""Folds the bookings of accounts, as JSON lines on standard input, into the rows that the read model must have.

Shares nothing with the program that it checks: no code, no language, no driver of the database. Each line is an event in the
order of the log: its stream, its number in the stream, its type and its payload as text. Standard library only.
"""

import json
import sys
from decimal import Decimal

cents = Decimal(100)


def main() -> None:
    balances: dict[str, Decimal] = {}
    versions: dict[str, int] = {}
    count = 0
    for line in sys.stdin:
        event = json.loads(line)
        if event["stream_type"] != "account":
            continue
        stream = event["stream_id"]
        if event["stream_version"] != versions.get(stream, 0) + 1:
            sys.exit(f"the stream {stream} has a gap before its event {event['stream_version']}")
        versions[stream] = event["stream_version"]
        if event["type"] != "Booked":
            sys.exit(f"an event of type {event['type']} is not known")
        amount = json.loads(event["payload"], parse_float=Decimal, parse_int=Decimal)["amount"]
        balances[stream] = balances.get(stream, Decimal(0)) + amount * cents
        count += 1
    for stream in sorted(balances):
        print(json.dumps({"table": "balance", "id": stream, "amount": str(balances[stream]), "cents": True}))
    print(json.dumps({"table": "booking_count", "n": -count}))


main()
