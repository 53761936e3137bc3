import numpy as np
import pytest
from scipy.integrate import solve_ivp
from wis.experiments.lm.theory import Scale, flow_slopes, flow_time, flows, report_theory, run_theory


@pytest.mark.parametrize(
    ("start", "kind", "time"),
    # From the label's probability at the start, n = 1, 10 classes: the setting of Theorem 2 of arXiv:2310.20703.
    [(1e-3, "RFT", 458), (1e-3, "SFT", 7.1), (1e-5, "RFT", 4.53e4), (1e-5, "SFT", 11.3), (1e-3, "RFT over STD", 57),
     (1e-5, "RFT over STD", 571)],
)  # fmt: skip
def test_reference_times(start, kind, time):
    assert flow_time(start, kind) == pytest.approx(time, rel=0.01)


@pytest.mark.parametrize(("kind", "speed"), [("RFT", lambda p: 2 * p), ("SFT", lambda p: 1.0)])
def test_quadrature_agrees_with_the_flow_of_all_logits(kind, speed):
    inputs, label = 3, 2
    logits = np.zeros(10)
    logits[label] = np.log(9 * 0.01 / 0.99)

    def softmax(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    def flow(_, z):
        p = softmax(z)
        return speed(p[label]) / inputs * (np.eye(10)[label] - p)

    def arrived(_, z):
        return softmax(z)[label] - 0.5

    arrived.terminal = True
    found = solve_ivp(flow, (0, 1e5), logits, events=arrived, rtol=1e-9, atol=1e-10)
    assert flow_time(0.01, kind, inputs=inputs) == pytest.approx(found.t_events[0][0], rel=1e-5)


def test_bounds_on_the_times_hold_and_slopes_are_those_of_theorem_2():
    table = flows()
    assert (table["RFT"] >= table["RFT at least [ours]"]).all()
    assert (table["SFT"] <= table["SFT at most [ours]"]).all()
    slopes = flow_slopes(table)["measured [ours]"]
    assert slopes[0] == pytest.approx(-2, abs=0.02)
    assert slopes[1] == pytest.approx(-1, abs=0.02)


def test_report_and_resume(tmp_path):
    scale = Scale(tabular=6, gpt2=1, gpt2_tokens=3, gpt2_length=2, family_points=7)
    rows = run_theory(tmp_path, scale, progress=False)
    tables = dict(report_theory(tmp_path, rows, "wis lm theory"))
    assert tables["bounds"].violations.sum() == 0
    assert (tables["slopes"]["slope [ours]"] > 0.95).all()
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 2
    for tag in ("[paper]", "[2nd]", "[ours]"):
        assert tag in page
    stored = (tmp_path / "policies.jsonl").read_text()
    assert len(run_theory(tmp_path, scale, progress=False)) == len(rows)
    assert (tmp_path / "policies.jsonl").read_text() == stored
    with pytest.raises(ValueError, match="other settings"):
        run_theory(tmp_path, Scale(), progress=False)


@pytest.mark.parametrize(("start", "kind"), [(0.1, "PPO"), (0.0, "RFT"), (0.7, "SFT")])
def test_bad_input(start, kind):
    with pytest.raises(ValueError, match=r"must be one of|strictly between"):
        flow_time(start, kind)
