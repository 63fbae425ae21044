"""Writes messages to task_events, given as a list of base64 texts (null: no value) on standard input; no headers."""
import base64
import json
import sys

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=sys.argv[1])
for text in json.load(sys.stdin):
    value = None if text is None else base64.b64decode(text)
    # One without a value needs a key.
    key = b"gone" if value is None else None
    producer.send("task_events", value=value, key=key, partition=0).get(timeout=30)
producer.close()
