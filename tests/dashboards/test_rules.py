"""Every shipped rule on real figures; every alert on the series that must raise it, and on those that must not."""

from __future__ import annotations

import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from tests.dashboards.conftest import Served
from tests.dashboards.prometheus import RULE_FILES, SHIPPED, PrometheusProcess, config_for, groups
from tests.end_to_end.process import wait_until
from tollspan_rater.metrics.answers import MOST

RECORDED = [rule["record"] for group in groups() for rule in group["rules"] if "record" in rule]
ALERTS = {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}
METRIC = re.compile(r"\btollspan[_a-z0-9:]+")
# Alert: the series that raise it, after 20 minutes of one-minute steps, and those that do not.
CASES = {
    "TollspanDown": ({'up{job="tollspan"}': "0x20"}, {'up{job="tollspan"}': "1x20"}),
    "TollspanTakesNothing": ({"tollspan_taking_spans": "0x20"}, {"tollspan_taking_spans": "1x20"}),
    "TollspanBehind": (
        {"tollspan_lag_seconds": "200x20", "tollspan_max_lag_seconds": "300x20"},
        {"tollspan_lag_seconds": "150x20", "tollspan_max_lag_seconds": "300x20"},
    ),
    "TollspanDiskLow": (
        {"tollspan_disk_free_bytes": "1073741824x20", "tollspan_disk_floor_bytes": "1x20"},
        {"tollspan_disk_free_bytes": "1073741825x20", "tollspan_disk_floor_bytes": "1x20"},
    ),
    "TollspanRefuses": (
        {'tollspan_requests_total{outcome="accepted"}': "0+94x20", 'tollspan_requests_total{outcome="a"}': "0+6x20"},
        {'tollspan_requests_total{outcome="accepted"}': "0+96x20", 'tollspan_requests_total{outcome="a"}': "0+4x20"},
    ),
    "TollspanSenderKeyRefused": (
        {'tollspan_sender_key_refused{sender="10.0.0.7"}': "0+1x20"},
        {'tollspan_sender_key_refused{sender="10.0.0.7"}': "0x1 1x10 stale"},
    ),
    "TollspanAuditDiffers": (
        {'tollspan_audit_difference{equation="a = b"}': "-1x20"},
        {'tollspan_audit_difference{equation="a = b"}': "0x20"},
    ),
    "TollspanSenderLost": (
        {"tollspan_sender_lost_records": "3x9 4x9"},
        {"tollspan_sender_lost_records": "3x5 2x5 1x9"},  # what came late fills gaps
    ),
    "TollspanQuarantined": (
        {'tollspan_pieces{fate="quarantined"}': "0x9 2x9"},
        {
            'tollspan_pieces{fate="quarantined"}': "5x9 4x9",
            'tollspan_pieces{fate="stored"}': "0+5x20",
        },  # one was mended
    ),
    "TollspanQuestionFailed": (
        {'tollspan_question_failed{question="usage"}': "1x20"},
        {'tollspan_question_failed{question="usage"}': "0x20"},
    ),
    "TollspanExportRejected": (
        {'tollspan_export_rejected_items{export="bills"}': "0x9 1x9"},
        {'tollspan_export_rejected_items{export="bills"}': "0x20", 'tollspan_export_waiting_items{export="b"}': "9x20"},
    ),
    "TollspanExportHeld": (
        {'tollspan_export_held_items{export="bills"}': "0x9 2x9"},
        {'tollspan_export_held_items{export="bills"}': "0x20"},
    ),
    "TollspanUnpriced": ({"tollspan_unpriced_calls": "1x20"}, {"tollspan_unpriced_calls": "0x20"}),
    "TollspanUnattributed": ({"tollspan_unattributed_calls": "1x20"}, {"tollspan_unattributed_calls": "0x20"}),
    "TollspanAllowanceNearlyUsed": (
        {"tollspan_allowance_used": "80x20", "tollspan_allowance_limit": "100x20"},
        {"tollspan_allowance_used": "79x20", "tollspan_allowance_limit": "100x20"},
    ),
    "TollspanAllowancesUnnamed": (
        {"tollspan_nearly_used_allowances": f"{MOST + 1}x20"},
        {"tollspan_nearly_used_allowances": f"{MOST}x20"},
    ),
    "TollspanAllowanceUsedUp": (
        {"tollspan_allowance_used": "100x20", "tollspan_allowance_limit": "100x20"},
        {"tollspan_allowance_used": "99x20", "tollspan_allowance_limit": "100x20"},
    ),
}


@pytest.mark.parametrize("raised", [True, False])
@pytest.mark.usefixtures("prometheus_binaries")
def test_alerts_are_raised_by_what_they_are_about_and_by_nothing_less(tmp_path: Path, raised: bool) -> None:
    assert CASES.keys() == ALERTS.keys()
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in CASES[alert][not raised].items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
                    "eval_time": "18m",
                    "exp_samples": [{"labels": "{}", "value": int(raised)}],
                }
            ],
        }
        for alert in ALERTS
    ]
    said = tmp_path / "tests.yaml"
    said.write_text(yaml.safe_dump({"rule_files": [str(SHIPPED / name) for name in RULE_FILES], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", str(said)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("prometheus_binaries")
def test_an_alert_names_the_command_of_a_question(tmp_path: Path) -> None:
    question = {"question": "export.status"}
    told = {
        "summary": "Figures are missing, export.status has no answer",
        "action": "Ask it yourself; tollspan export status says what is wrong.",
    }
    fires = {"exp_labels": {"severity": "ticket"} | question, "exp_annotations": told}
    case = {
        "interval": "1m",
        "input_series": [{"series": 'tollspan_question_failed{question="export.status"}', "values": "1x20"}],
        "alert_rule_test": [{"eval_time": "10m", "alertname": "TollspanQuestionFailed", "exp_alerts": [fires]}],
    }
    said = tmp_path / "tests.yaml"
    said.write_text(yaml.safe_dump({"rule_files": [str(SHIPPED / name) for name in RULE_FILES], "tests": [case]}))
    done = subprocess.run(["promtool", "test", "rules", str(said)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("prometheus_binaries")
def test_the_shipped_configuration_is_one(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("tsk_")
    config = tmp_path / "prometheus.yaml"
    config.write_text(yaml.safe_dump(config_for("127.0.0.1:1", key_file)))
    done = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_runs_and_every_recorded_series_has_data(prometheus: PrometheusProcess) -> None:
    wait_until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), "every rule has run")
    assert {rule["name"] for rule in prometheus.rules()} == {*RECORDED, *ALERTS}
    for name in RECORDED:
        assert prometheus.query(name), name


def test_every_metric_in_an_alert_has_data(prometheus: PrometheusProcess) -> None:
    wanted = {name for rule in ALERTS.values() for name in METRIC.findall(rule["expr"])}
    assert [name for name in sorted(wanted) if not prometheus.query(name)] == []


def test_a_scraped_figure_is_that_of_the_question(prometheus: PrometheusProcess, demo: Served) -> None:
    usage = {str(row["customer"]): row for row in demo.rater.ask("usage", by="customer").rows}
    assert usage.keys() == {call.customer for call in demo.planned.calls}
    charges = {each["metric"]["customer"]: each["value"][1] for each in prometheus.query("tollspan_customer_charge")}
    largest = sorted(usage, key=lambda name: Decimal(str(usage[name]["charge"])), reverse=True)[:20]
    assert charges.keys() == {*largest, *(["other"] if len(usage) > len(largest) else [])}
    assert {name: float(charges[name]) for name in largest} == {name: float(usage[name]["charge"]) for name in largest}
    whole = sum(Decimal(str(row["charge"])) for row in usage.values())
    assert float(prometheus.query("tollspan:charge:sum")[0]["value"][1]) == pytest.approx(float(whole), rel=1e-12)


def test_the_audit_and_the_fates_of_the_demo_are_scraped(prometheus: PrometheusProcess, demo: Served) -> None:
    differences = prometheus.query("tollspan_audit_difference")
    assert len(differences) == len(demo.rater.ask("audit").rows)
    assert {each["value"][1] for each in differences} == {"0"}
    pieces = {each["metric"]["fate"]: int(each["value"][1]) for each in prometheus.query("tollspan_pieces")}
    [journaled] = [row for row in demo.rater.ask("audit").rows if row["equation"] == "pieces journaled = sum of fates"]
    assert sum(pieces.values()) == int(str(journaled["left"]))
    assert prometheus.query("tollspan_calls")[0]["value"][1] == str(pieces["stored"])
