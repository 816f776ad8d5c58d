"""Every backend of the scan against the float64 loop: outputs, final state and all gradients."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from neox.kernels.linear_scan import linear_scan, mamba

Q = 8  # chunk length: small, so that few tokens cross many borders
GATES = ("ssd", "mlstm", "retnet")


def make(
    gates: str,
    length: int,
    groups: int = 2,
    dtype: torch.dtype = torch.float64,
    state: bool = False,
    packed: bool = False,
    spread: float = 3.0,
) -> dict[str, Any]:
    """Random arguments: B = 2, H = 4, N = 5, P = 3; `spread` is the deviation of input gates."""
    generator = torch.Generator().manual_seed(length * 10 + groups)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    heads, normalize = 4, gates == "mlstm"
    log_decay = {
        "ssd": -normal(2, length, heads).exp() * 0.3,
        "mlstm": torch.nn.functional.logsigmoid(3 * normal(2, length, heads)),
        "retnet": torch.tensor([-0.5, -0.1, -0.02, 0.0]).double().expand(2, length, heads),
    }[gates].clone()
    x: dict[str, Any] = {
        "q": normal(2, length, groups, 5),
        "k": normal(2, length, groups, 5) / 5**0.5,
        "v": normal(2, length, heads, 3),
        "log_decay": log_decay,
        "log_input": spread * normal(2, length, heads) if normalize else None,
    }
    if state:
        x["state"] = (normal(2, heads, 5, 3 + normalize), normal(2, heads) * normalize)
    if packed:
        x["seq_idx"] = torch.arange(length).div(7, rounding_mode="floor").expand(2, -1).clone()
        x["seq_idx"][1] = (torch.arange(length) > length // 2).long()
    x["normalize"] = normalize
    cast = x["v"].to(dtype).dtype

    def convert(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(convert(v) for v in value)
        if isinstance(value, Tensor) and value.is_floating_point():
            return value.to(cast)
        return value

    return {name: convert(value) for name, value in x.items()}


def double(value: Any) -> Any:
    """The same numbers in float64."""
    if isinstance(value, dict):
        return {name: double(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return tuple(double(v) for v in value)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.detach().double()
    return value


def leaves(x: dict[str, Any]) -> list[Tensor]:
    state = x.get("state")
    found = [x["q"], x["k"], x["v"], x["log_decay"], x["log_input"], state[0] if state else None]
    return [t for t in found if t is not None]


def run(x: dict[str, Any], **options: Any) -> list[Tensor]:
    """y, the final state without its scale, and the gradients of a random function of both."""
    wanted = leaves(x)
    for t in wanted:
        t.requires_grad_()
    y, (memory, m) = linear_scan(**x, **options)
    state = memory * m.exp()[..., None, None]
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    b = torch.randn(state.shape, generator=generator, dtype=torch.float64)
    # not of the scaled S, whose scale is the backend's business; asinh: S grows like exp(input)
    value = (y.double() * a).sum() + (state.double().asinh() * b).sum()
    return [y.detach(), state.detach(), *torch.autograd.grad(value, wanted)]


CASES = [
    (gates, length, *rest)
    for gates, length in itertools.product(GATES, (1, Q - 1, Q, 5 * Q + 3))
    for rest in ((False, False, 1), (True, False, 4), (True, True, 1))  # state, packed, groups
]


@pytest.mark.parametrize(("gates", "length", "state", "packed", "groups"), CASES)
def test_chunks_equal_the_loop(
    gates: str, length: int, state: bool, packed: bool, groups: int
) -> None:
    expected = run(make(gates, length, groups, torch.float64, state, packed), backend="reference")
    got = run(make(gates, length, groups, torch.float64, state, packed), backend="chunk", chunk=Q)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("gates", "length", "state", "packed", "groups"), CASES)
def test_float32_is_within_1e5_of_the_float64_loop(
    gates: str, length: int, state: bool, packed: bool, groups: int
) -> None:
    """Gates of deviation 1: at 3 an mLSTM's denominator passes so near zero that 1e-7 of rounding
    in the arguments is 3e-5 in y, for the loop as for the chunks."""
    x = make(gates, length, groups, torch.float32, state, packed, spread=1.0)
    got = run(x, backend="chunk", chunk=Q)
    for value in leaves(x):
        value.requires_grad_(False)
    expected = run(double(x), backend="reference")
    for one, other in zip(got, expected, strict=True):
        scale = other.abs().max().clamp_min(1.0)
        torch.testing.assert_close(one.double() / scale, other / scale, atol=1e-5, rtol=0.0)


@pytest.mark.parametrize("gates", GATES)
def test_gradcheck(gates: str) -> None:
    x = make(gates, 7, state=True)
    rest = {"normalize": x["normalize"], "chunk": 3, "backend": "chunk"}
    names = [n for n in ("q", "k", "v", "log_decay", "log_input") if x[n] is not None]

    def f(memory: Tensor, *values: Tensor) -> Tensor:
        state = (memory, x["state"][1])
        return linear_scan(**dict(zip(names, values, strict=True)), state=state, **rest)[0]

    inputs = [x["state"][0], *(x[n] for n in names)]
    assert torch.autograd.gradcheck(f, [t.requires_grad_() for t in inputs])


@pytest.mark.parametrize("gates", GATES)
@pytest.mark.parametrize("backend", ["step", "chunk"])
def test_one_token_at_a_time_equals_one_call(gates: str, backend: Any) -> None:
    x = make(gates, 2 * Q + 3, dtype=torch.float64)
    whole, (memory, m) = linear_scan(**x, chunk=Q, backend="chunk")
    state, out = None, []
    for t in range(whole.shape[1]):
        piece = {k: v[:, t : t + 1] if isinstance(v, Tensor) else v for k, v in x.items()}
        y, state = linear_scan(**piece, state=state, backend=backend)
        out.append(y)
    torch.testing.assert_close(torch.cat(out, 1), whole, atol=1e-10, rtol=1e-10)
    assert state is not None
    got, expected = (s * n.exp()[..., None, None] for s, n in (state, (memory, m)))
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("gates", GATES)
@pytest.mark.parametrize("cut", [1, Q, 13])
def test_a_state_handed_over_continues_the_sequence(gates: str, cut: int) -> None:
    """Also backwards: the gradient flows through the state."""

    def value(parts: list[slice]) -> list[Tensor]:
        x = make(gates, 3 * Q + 1)
        wanted = [t.requires_grad_() for t in leaves(x)]
        state, out = None, []
        for part in parts:
            piece = {k: v[:, part] if isinstance(v, Tensor) else v for k, v in x.items()}
            y, state = linear_scan(**piece, state=state, chunk=Q, backend="chunk")
            out.append(y)
        y = torch.cat(out, 1)
        return [y.detach(), *torch.autograd.grad(y.sin().sum(), wanted)]

    whole = value([slice(None)])
    split = value([slice(0, cut), slice(cut, None)])
    for one, other in zip(split, whole, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)


def test_padding_leaves_the_state_alone_and_makes_no_nan() -> None:
    x = make("mlstm", 2 * Q)
    _, (memory, m) = linear_scan(**x, chunk=Q, backend="chunk")
    padded = {}
    for name, value in x.items():
        if isinstance(value, Tensor):
            fill = torch.full_like(value, -torch.inf if name == "log_input" else 0.0)
            value = torch.cat([fill, value, fill], dim=1)  # a chunk of nothing on both sides
        padded[name] = value
    for backend in ("chunk", "reference"):
        y, (got, n) = linear_scan(**padded, chunk=Q, backend=backend)
        assert y.isfinite().all()
        torch.testing.assert_close(
            got * n.exp()[..., None, None], memory * m.exp()[..., None, None]
        )


def test_extreme_gates_stay_finite() -> None:
    x = make("mlstm", 4 * Q, dtype=torch.float64)
    x["log_input"] = 400 * x["log_input"]  # exp would overflow float64 by far
    for t in leaves(x):
        t.requires_grad_()
    y, _ = linear_scan(**x, chunk=Q, backend="chunk")
    y.sum().backward()
    expected, _ = linear_scan(**x, backend="reference")
    torch.testing.assert_close(y, expected, atol=1e-8, rtol=1e-8)
    assert all(t.grad is not None and t.grad.isfinite().all() for t in leaves(x))


def test_bfloat16_rounds_only_what_goes_in_and_out() -> None:
    x = make("ssd", 5 * Q + 3, dtype=torch.float32)
    for name in ("q", "k", "v"):
        x[name] = x[name].bfloat16()
    y, (memory, _) = linear_scan(**x, chunk=Q, backend="chunk")
    expected, _ = linear_scan(**double(x), backend="reference")
    assert y.dtype == torch.bfloat16
    assert memory.dtype == torch.float32
    torch.testing.assert_close(y.double(), expected, atol=1e-5, rtol=2**-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": torch.zeros(2, 9, 3, 5), "k": torch.zeros(2, 9, 3, 5)}, "G divides H"),
        ({"log_decay": torch.zeros(2, 9, 2)}, "log_decay is"),
        ({"state": (torch.zeros(2, 4, 5, 9), torch.zeros(2, 4))}, "state is"),
        ({"seq_idx": torch.zeros(2, 3)}, "seq_idx is"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linear_scan(**{**make("ssd", 9), **change})


def test_a_backend_that_is_not_there_is_named() -> None:
    x = make("ssd", 9)
    with pytest.raises(ValueError, match="the triton backend needs"):
        linear_scan(**x, backend="triton")
    if mamba.kernel() is None:
        with pytest.raises(ValueError, match="needs mamba-ssm"):
            linear_scan(**x, backend="mamba")
    with pytest.raises(ValueError, match="no input gate"):
        linear_scan(**make("mlstm", 9), backend="mamba")
    with pytest.raises(ValueError, match="one token"):
        linear_scan(**x, backend="step")


def test_without_triton_and_mamba_ssm_the_scan_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("triton", "mamba_ssm", "mamba_ssm.ops.triton.ssd_combined"):
        monkeypatch.setitem(sys.modules, name, None)  # as if not installed
    x = make("ssd", 9)
    y, _ = linear_scan(**x)
    torch.testing.assert_close(y, linear_scan(**x, backend="reference")[0])
    with pytest.raises(ValueError, match="needs the package triton"):
        linear_scan(**x, backend="triton")
    with pytest.raises(ValueError, match="needs mamba-ssm"):
        linear_scan(**x, backend="mamba")
