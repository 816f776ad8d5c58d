"""The Triton backend against the float64 loop: on a GPU, or under Triton's interpreter.

The tests marked gpu choose the CPU where TRITON_INTERPRET=1; the last test runs them so, in a
process of its own, because the mode is fixed when triton is imported.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from neox.kernels.linear_scan import linear_scan, mamba

INTERPRET = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRET else "cuda"


def arguments(normalize: bool, groups: int, length: int, dtype: torch.dtype) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(length)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    heads, width, depth = 2, 16, 8
    x = {
        "q": normal(1, length, groups, width).to(dtype),
        "k": normal(1, length, groups, width).to(dtype) / 4,
        "v": normal(1, length, heads, depth).to(dtype),
        "log_decay": -normal(1, length, heads).exp() * 0.2,
        "log_input": normal(1, length, heads),
    }
    x = {n: t.to(DEVICE).requires_grad_() for n, t in x.items()}
    state = (normal(1, heads, width, depth + normalize), normal(1, heads) * normalize)
    return {**x, "state": tuple(s.to(DEVICE) for s in state), "normalize": normalize}


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("normalize", "groups", "length"), [(False, 1, 40), (True, 2, 33), (False, 2, 1)]
)
def test_triton_equals_the_loop(
    normalize: bool, groups: int, length: int, dtype: torch.dtype
) -> None:
    if not INTERPRET and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    x = arguments(normalize, groups, length, dtype)
    names = ("q", "k", "v", "log_decay", "log_input")
    big = {
        n: t.detach().double().requires_grad_() if isinstance(t, torch.Tensor) else t
        for n, t in x.items()
    }
    found = []
    for kwargs, backend in ((x, "triton"), (big, "reference")):
        y, (s, m) = linear_scan(**kwargs, backend=backend, chunk=16)
        state = s * m.exp()[..., None, None]
        # linear in y: the cosine of a rounded y would add the rounding of bfloat16 once more
        weight = torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape)
        value = (y * weight).sum() + state.sin().sum()
        grads = torch.autograd.grad(value, [kwargs[n] for n in names])
        found.append([y, state, *grads])
    tolerance = 1e-5 if dtype == torch.float32 else 2**-7
    for one, other in zip(*found, strict=True):
        scale = other.abs().max().clamp_min(1.0)
        torch.testing.assert_close(one.double() / scale, other / scale, atol=tolerance, rtol=0.0)


@pytest.mark.gpu
def test_mamba_ssm_agrees() -> None:
    """The oracle, where it is installed."""
    if mamba.kernel() is None or not torch.cuda.is_available():
        pytest.skip("mamba-ssm and a GPU are not both here")
    x = arguments(False, 1, 100, torch.float32)
    x["log_input"] = None
    y, (s, _) = linear_scan(**x, backend="mamba", chunk=64)
    expected, (t, _) = linear_scan(**x, backend="reference")
    torch.testing.assert_close(y, expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(s, t.float(), atol=1e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_under_the_interpreter() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed, 1 skipped" in done.stdout
