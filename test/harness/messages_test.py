#!/usr/bin/env python3
"""The byte before a structure that may be null, the nulls that are defaults, and that what is encoded is read again as it was."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.messages import APIS, Decoder, Encoder, decode_response, encode_request  # noqa: E402

TOPIC = "00112233-4455-6677-8899-aabbccddeeff"
HEARTBEAT = APIS["ConsumerGroupHeartbeat"]


def heartbeat_answer(assignment):
    return {"throttle_time_ms": 0, "error_code": 0, "error_message": None, "member_id": "m", "member_epoch": 2, "heartbeat_interval_ms": 5000,
            "assignment": assignment}


class NullableStructures(unittest.TestCase):
    def answered(self, assignment):
        data = Encoder(0, True).structure(HEARTBEAT.response, heartbeat_answer(assignment))
        self.assertEqual((7, heartbeat_answer(assignment)), decode_response(HEARTBEAT, 0, b"\0\0\0\7" + b"\0" + data))
        return data

    def test_that_are_null_are_one_byte(self):
        self.assertTrue(self.answered(None).endswith(b"\x88\xff\0"))  # of the interval, -1, no tags

    def test_that_are_there_have_a_one_before_them(self):
        partitions = {"topic_id": TOPIC, "partitions": [1]}
        data = self.answered({"topic_partitions": [partitions]})
        self.assertTrue(data.endswith(b"\x88\1\2" + bytes.fromhex(TOPIC.replace("-", "")) + b"\2\0\0\0\1" + b"\0" * 3))

    def test_in_arrays_and_those_that_are_always_there_have_no_byte(self):
        group = {field.name: field.default for field in APIS["ConsumerGroupDescribe"].response[1].fields}
        member = {field.name: field.default for field in APIS["ConsumerGroupDescribe"].response[1].fields[7].fields}
        member["assignment"] = member["target_assignment"] = {"topic_partitions": []}
        answer = {"throttle_time_ms": 0, "groups": [{**group, "members": [member]}]}
        data = Encoder(1, True).structure(APIS["ConsumerGroupDescribe"].response, answer)
        self.assertEqual(answer, Decoder(data, 1, True).structure(APIS["ConsumerGroupDescribe"].response))


class Defaults(unittest.TestCase):
    def test_of_arrays_may_be_null(self):
        said = encode_request(HEARTBEAT, 1, 9, {"group_id": "g", "member_id": "m"}, client_id="")
        # No timeout; no names, expression, assignor and partitions; no tags behind them.
        self.assertTrue(said.endswith(b"\xff\xff\xff\xff" + b"\0" * 5), said)


if __name__ == "__main__":
    unittest.main()
