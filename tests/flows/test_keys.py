"""Keys open the API at once, and stop opening it everywhere within five seconds of their revocation."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.flows.customer import trial_customer
from tests.flows.product import Product

REVOKED_WITHIN_S = 5.0


def test_it_refuses_a_revoked_key_in_every_process_within_five_seconds(product: Product) -> None:
    customer, client = trial_customer(product)
    with ThreadPoolExecutor(8) as threads:  # so that every process has seen the key
        before = {answer.status for answer in threads.map(lambda _: client.chat(), range(16))}

        customer.browser.press(customer.browser.open("/app/keys/"), "Revoke key")
        time.sleep(REVOKED_WITHIN_S)
        after = list(threads.map(lambda _: client.chat(), range(16)))

    assert before == {200}
    assert {answer.status for answer in after} == {401}
    assert {answer.json()["error"]["type"] for answer in after} == {"authentication_error"}


def test_it_shows_a_key_once(product: Product) -> None:
    customer, client = trial_customer(product)

    page = customer.browser.open("/app/keys/")

    assert client.key not in page.html
    assert client.key[-4:] in page
