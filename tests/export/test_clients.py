"""The vendors' own clients against the simulators of the smaller targets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.export.case import cases
from tests.export.invoice import HOUR, NOON_NS, SECOND
from tests.export.serve import serving
from tests.export.simulators import aws_marketplace, chargebee, metronome, orb, razorpay, recurly, zuora
from tollspan_rater.domain.clock import FixedClock

ID = "li_0123456789abcdef0123456789abcdef"
AT_S = HOUR.start_ns // SECOND
AT = datetime.fromtimestamp(AT_S, UTC)


def by_chargebee_events(url: str) -> Any:
    client = _chargebee(url)
    event = {"deduplication_id": ID, "subscription_id": "sub_acme", "usage_timestamp": AT_S * 1000}
    old = {**event, "deduplication_id": "old", "usage_timestamp": (AT_S - 86_400) * 1000}
    answer = client.UsageEvent.batch_ingest(
        {"events": [{**one, "properties": {"input_tokens": "12"}} for one in (event, old, event)]}
    )
    span = {"timeframe_start": AT_S, "timeframe_end": AT_S + 1}
    found = client.UsageSummary.retrieve_usage_summary_for_subscription(
        "sub_acme", {"feature_id": "feature-input", **span}
    ).list
    assert [one.usage_summary.aggregated_value for one in found] == ["12"]
    return [one["deduplication_id"] for one in answer.failed_events]


def by_chargebee_usages(url: str) -> Any:
    client = _chargebee(url)
    usage = {"id": ID, "item_price_id": "input-USD", "quantity": "12", "usage_date": AT_S, "dedupe_option": "skip"}
    client.Usage.create("sub_acme", usage)
    client.Usage.create("sub_acme", usage)
    found = client.Usage.retrieve("sub_acme", {"id": ID}).usage
    return found.quantity


def by_recurly(url: str) -> Any:
    import recurly as official

    client = official.Client(recurly.KEY)
    client._BaseClient__conn = http.client.HTTPConnection(urlsplit(url).netloc)  # it knows no other address
    made = client.create_usage(
        "uuid-acme", "code-input", {"merchant_tag": ID, "amount": 12, "usage_timestamp": AT, "recording_timestamp": AT}
    )
    query = {"sort": "usage_timestamp", "order": "asc", "begin_time": AT, "end_time": AT, "billing_status": "all"}
    listed = client.list_usage("uuid-acme", "code-input", params=query).items()
    return [one.merchant_tag for one in listed] == [made.merchant_tag] == [ID]


def by_razorpay(url: str) -> Any:
    import razorpay as official

    client = official.Client(auth=(razorpay.KEY, razorpay.SECRET), base_url=url)
    line = {"name": "Tokens", "amount": 1200, "currency": "USD", "quantity": 1}
    made = client.invoice.create(
        {
            "type": "invoice",
            "draft": "1",
            "receipt": ID,
            "customer_id": "cust_acme",
            "currency": "USD",
            "line_items": [line],
            "notes": {"tollspan_0": ID},
        }
    )
    found = client.invoice.all({"type": "invoice", "customer_id": "cust_acme"})["items"]
    return [one["id"] for one in found] == [made["id"]]


def by_orb(url: str) -> Any:
    import orb as official

    client = official.Orb(api_key=orb.KEY, base_url=f"{url}/v1", max_retries=0)
    event = {"event_name": "input_tokens", "external_customer_id": "acme-inc", "timestamp": AT}
    event |= {"idempotency_key": ID, "properties": {"quantity": 12}}
    assert client.events.ingest(events=[event, event]).validation_failed == []
    late = {**event, "idempotency_key": "late", "timestamp": datetime.fromtimestamp(AT_S - 86_400, UTC)}
    with pytest.raises(official.BadRequestError) as refused:
        client.events.ingest(events=[late])
    assert refused.value.body["validation_failed"][0]["idempotency_key"] == "late"
    found = client.events.search(event_ids=[ID], timeframe_start=AT, timeframe_end=AT).data
    return [one.id for one in found]


def by_metronome(url: str) -> Any:
    import metronome as official

    client = official.Metronome(bearer_token=metronome.KEY, base_url=url, max_retries=0)
    event = {"transaction_id": ID, "customer_id": "customer-acme", "event_type": "input_tokens"}
    event |= {"timestamp": AT.isoformat(), "properties": {"quantity": "12"}}
    client.v1.usage.ingest(usage=[event])
    client.v1.usage.ingest(usage=[event])
    midnight = AT.replace(hour=0, minute=0, second=0)
    days = client.v1.usage.list(
        starting_on=midnight - timedelta(days=1),
        ending_before=midnight + timedelta(days=1),
        window_size="DAY",
        customer_ids=["customer-acme"],
        billable_metrics=[{"id": "metric-input"}],
    )
    assert [one.value for one in days] == [None, 12]
    return [one.transaction_id for one in client.v1.usage.search(transaction_ids=[ID])]


def by_aws(url: str) -> Any:
    import boto3

    client = boto3.client(
        "meteringmarketplace",
        endpoint_url=url,
        region_name=aws_marketplace.REGION,
        aws_access_key_id=aws_marketplace.KEY,
        aws_secret_access_key=aws_marketplace.SECRET,
    )
    account, arn = next(iter(aws_marketplace.LICENSES.items()))
    record = {"Timestamp": AT, "CustomerAWSAccountId": account, "LicenseArn": arn, "Dimension": "input_tokens"}
    first = client.batch_meter_usage(UsageRecords=[{**record, "QuantityAsDecimal": "12"}])["Results"]
    again = client.batch_meter_usage(UsageRecords=[{**record, "QuantityAsDecimal": "12.00"}])["Results"]
    other = client.batch_meter_usage(UsageRecords=[{**record, "QuantityAsDecimal": "13"}])["Results"]
    assert first[0]["MeteringRecordId"] == again[0]["MeteringRecordId"]
    return [one["Status"] for one in (*first, *again, *other)]


def by_zuora(url: str) -> Any:
    official = pytest.importorskip("zuora_sdk.zuora_client", reason="zuora-sdk is not installed: it loads for 20 s")
    client = official.ZuoraClient(zuora.CLIENT, zuora.SECRET, None, official.Configuration(host=url))
    client._auth()
    usage = {"account_number": "A-acme", "subscription_number": "S-acme", "uom": "InputToken", "quantity": 12}
    request = official.CreateUsageRequest(**usage, start_date_time=AT, description=ID)
    made, again = (client.usage_api().create_usage(request, idempotency_key=ID) for _ in range(2))
    found = client.object_queries_api().query_usages(filter=[f"description.EQ:{ID}"])
    return [one.id for one in found.data] == [made.id] == [again.id]


def _chargebee(url: str) -> Any:
    import chargebee as official

    official.Chargebee.verify_ca_certs = False  # with it, it speaks https whatever the address says
    client = official.Chargebee(api_key=chargebee.KEY, site="simulator-test", protocol="http")
    client.env.api_url = lambda path, _domain=None: f"{url}/api/v2{path}"  # it makes addresses of its site alone
    return client


CLIENTS: Mapping[str, tuple[Callable[[str], Any], Any]] = {
    "chargebee-usage-events": (by_chargebee_events, ["old"]),
    "chargebee-usages": (by_chargebee_usages, "12"),
    "recurly-usage": (by_recurly, True),
    "razorpay-invoices": (by_razorpay, True),
    "orb-events": (by_orb, [ID]),
    "metronome-usage": (by_metronome, [ID]),
    "aws-marketplace": (by_aws, ["Success", "Success", "DuplicateRecord"]),
    "zuora-usage": (by_zuora, True),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_the_vendors_client_understands_the_simulator(name: str) -> None:
    tell, expected = CLIENTS[name]
    simulator = cases()[name].simulator(FixedClock(NOON_NS))
    with serving(simulator) as url:
        assert tell(url) == expected
    (receipt,) = simulator.receipts()
    assert (receipt.quantity or receipt.amount) == Decimal(12)
    assert json.dumps(receipt.item_id) in {json.dumps(ID), '""'}
