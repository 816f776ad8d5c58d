"""The scan by mamba-ssm's kernel, where that package and a GPU are: an oracle and a speed baseline.

mamba-ssm computes S_t = exp(dt_t A) S_{t-1} + dt_t B_t x_t^T, so dt = -log_decay, A = -1 and
x = v / dt give this recurrence; it has no input gate and no normaliser. Its import can fail in many
ways (it is built against one torch and one CUDA), and every one of them means that it is missing.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor

from neox.kernels.linear_scan.shapes import Inputs, State, start

TINY = (
    1e-6  # mamba-ssm multiplies by dt what is divided by it here; a decay of exactly 1 has dt = 0
)


def kernel() -> Any | None:
    """mamba-ssm's function, or None where it cannot be imported."""
    try:
        module = importlib.import_module("mamba_ssm.ops.triton.ssd_combined")
    except Exception:
        return None
    return module.mamba_chunk_scan_combined


def scan(x: Inputs, chunk: int) -> tuple[Tensor, State]:
    """`linear_scan` by mamba-ssm; ValueError naming what is missing or not supported."""
    if x.log_input is not None or x.normalize:
        raise ValueError("linear_scan: mamba-ssm has no input gate and no normaliser; use chunk")
    function = kernel()
    if function is None:
        raise ValueError(
            "linear_scan: the mamba backend needs mamba-ssm, which is not installed or does not "
            "import here; pip install 'neox[mamba]' on a machine with a GPU"
        )
    memory, m = start(x, torch.float32)
    dt = (-x.log_decay.float()).clamp_min(TINY)
    y, final = function(
        x.v / dt[..., None].to(x.v.dtype),
        dt,
        -torch.ones(x.v.shape[2], device=x.v.device),
        x.k,
        x.q,
        chunk,
        initial_states=memory.mT.contiguous(),
        seq_idx=x.seq_idx,
        return_final_states=True,
    )
    return y, (final.mT, m)
