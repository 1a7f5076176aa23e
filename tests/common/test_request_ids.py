"""Request ids are drawn ahead, and none is given out twice."""

import re
import subprocess
import sys

from common.request_ids import AT_ONCE, new_request_id

FORKED = """
import os
from common.request_ids import new_request_id
new_request_id()
if child := os.fork():
    os.waitpid(child, 0)
print(new_request_id(), flush=True)
"""


def test_each_id_is_new_and_has_the_form_of_anthropics() -> None:
    ids = [new_request_id() for _ in range(3 * AT_ONCE)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("req_[0-9a-f]{24}", each) for each in ids)


def test_a_forked_process_draws_ids_of_its_own() -> None:
    printed = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True).stdout.split()

    assert len(set(printed)) == len(printed) == 2
