"""Reads task_events as a member of the group analytics-group, and writes one line of JSON for each message."""
import json
import sys

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    "task_events",
    bootstrap_servers=sys.argv[1],
    group_id="analytics-group",
    auto_offset_reset="earliest",
    value_deserializer=lambda value: json.loads(value.decode("utf-8")),
)
while not consumer.assignment():
    consumer.poll(timeout_ms=100)
print(json.dumps("ready"), flush=True)
for message in consumer:
    print(json.dumps(message.value), flush=True)
