"""A run from its first step to its summary: warm start, then rollout, score, update, log, save.

The state of a run is the weights, the optimizers, a few counters and the configuration; every
random draw is a function of the seed and the step. A run that was killed therefore continues as if
it had not been.
"""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from neox.config import PhaseConfig, RunConfig, write
from neox.errors import InputError, RunStopped
from neox.evaluate.tasks import evaluate, summarise
from neox.policy.base import Policy, Sampling
from neox.policy.load import load as load_policy
from neox.policy.noise import PerSample
from neox.policy.prompts import encode_prompts
from neox.rewards import Failed, Rewards, Scored, Tests
from neox.rewards.functions import Function
from neox.rewards.score import Reward
from neox.sandbox import Limits, Sandbox
from neox.train import checkpoint
from neox.train.alone import Alone
from neox.train.curriculum import Curriculum
from neox.train.data import Data, fit, fit_held_out, load
from neox.train.distributed import redmean
from neox.train.memory import release_freed_memory
from neox.train.metrics import Journal
from neox.train.rollout import Rollout, merge, roll, without_states
from neox.train.schedule import linear_schedule
from neox.train.seeding import generator, setseed
from neox.train.sharding import Sharded, sum_loads
from neox.train.start import build_policy
from neox.train.tracker import Tracker
from neox.train.update import Updater, whole_norm
from neox.train.view import View
from neox.train.warmstart import Batches, Example, cross_entropy, encode
from neox.train.watchdog import Watchdog

State = dict[str, Any]
TRIM_EVERY = 5  # steps


class Interrupted(Exception):
    """The run was asked to stop, and has saved itself."""


class Run:
    """One training run in its folder. `run()` does all of it; `resume` first for an old one."""

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        view: View,
        ranks: Alone = Alone(),  # noqa: B008 - frozen
    ) -> None:
        self.config, self.folder, self.view, self.ranks = config, folder, view, ranks
        self.sharded: Sharded | None = None
        self.metrics = Journal(folder / "metrics.jsonl")
        self.samples = Journal(folder / "samples.jsonl")
        self.state: State = {"stage": "warmstart", "warm": 0, "rl": 0, "seconds": {}, "quiet": 0}
        self._restore_from: Path | None = None
        self._stop = False

    # The whole run ------------------------------------------------------------------------------

    def run(self) -> State:
        """Train to the end; returns the summary that is also written to summary.json."""
        config = self.config
        torch.set_num_threads(config.threads)
        setseed(config.seed)
        hint = f"neox train --resume {self.folder}, as it was launched"
        watchdog = Watchdog(self.ranks, config.ranks.no_progress_s, hint)
        self._alive = watchdog.alive
        with self._timed("prepare"), self._folder_unless_input_is_bad():
            data = self._prepare()
        limits = config.sandbox.model_dump(exclude={"workers", "strict"})
        with (
            Sandbox(
                workers=config.sandbox.workers,
                limits=Limits(**limits),
                strict=config.sandbox.strict,
            ) as box,
            self._functions() as functions,
        ):
            tests = Tests(box, config.rewards.tests_mode)
            weights = self._weights()
            for function, settings in zip(functions, config.rewards.functions, strict=True):
                weights[function.name] = settings.weight
            extra: dict[str, Reward] = {f.name: f for f in functions}
            self.rewards = Rewards(weights, tests, config.rewards.log, extra)
            self._warmstart()
            if self.state["stage"] == "before":
                self.state["before"] = self._evaluate("before", data, tests)
                self._advance("reinforce")
            self._reinforce()
            if self.state["stage"] == "after":
                after = self._evaluate("after", data, tests) if config.update.steps else None
                self.state["after"] = after or self.state["before"]
                self._advance("done")
        summary = self._finish()
        watchdog.close()
        return summary

    def resume(self) -> None:
        """Go on from the newest whole checkpoint, if there is one yet."""
        root = self.folder / "checkpoints"
        if not checkpoint.any_finished(root):
            self.view.say("no checkpoint yet: starting from the beginning")
            step = -1
        else:
            self._restore_from, self.state = checkpoint.newest(root, self.view.say)
            step = self.state["step"]
            self.view.say(f"resuming after step {step} ({self.state['stage']})")
        for journal in (self.metrics, self.samples):
            if self.ranks.first:
                journal.rewind(step)

    def interrupt(self) -> None:
        """Ask the run to save itself and stop at the end of its step; a second time, at once."""
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True
        self.view.say("stopping after this step; once more to stop at once")

    def _stop_if_asked(self) -> None:
        if self._stop:
            raise Interrupted

    @property
    def step(self) -> int:
        """Optimizer steps so far, both stages."""
        return int(self.state["warm"] + self.state["rl"])

    # Preparation --------------------------------------------------------------------------------

    @contextmanager
    def _folder_unless_input_is_bad(self) -> Iterator[None]:
        """Make the run's folder; take a new one away again if the run cannot begin."""
        if not self.ranks.first:
            yield
            return
        settings = self.folder / "config.yaml"
        new = not settings.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.config, settings)
        try:
            yield
        except InputError:
            if new:
                settings.unlink()
                self.folder.rmdir()
            raise

    def _prepare(self) -> Data:
        config = self.config
        data = load(config, self.view.say)
        for remark in data.remarks:
            self.view.say(remark)
        self.policy: Policy = build_policy(config, data, self._restore_from)
        size = sum(p.numel() for p in self.policy.module.parameters())
        self.view.say(f"model: {size:,} parameters, {self.policy.vocab_size()} tokens")
        lengths = [len(i) for i in encode_prompts(self.policy.tokenizer, data.train)]
        tasks, dropped = fit(data, lengths, config.tasks.max_prompt_tokens)
        held_out = [len(i) for i in encode_prompts(self.policy.tokenizer, data.held_out)]
        data, left_out = fit_held_out(data, held_out, config.tasks.max_prompt_tokens)
        for told in (dropped, left_out):
            if told:
                self.view.say(told)
        self.curriculum = Curriculum(tasks, config.curriculum, config.seed)
        examples = encode(self.policy, data.documents)
        room = config.tasks.max_prompt_tokens + config.rollout.max_new_tokens
        fitting = [e for e in examples if len(e.prompt) + len(e.completion) <= room]
        if len(fitting) < len(examples):
            self.view.say(f"{len(examples) - len(fitting)} documents over {room} tokens left out")
        self.batches = (
            Batches(fitting, config.warmstart.batch_size, config.seed) if fitting else None
        )
        anchor = Batches(fitting, config.update.anchor_documents, config.seed) if fitting else None
        if self.ranks.world > 1:
            self.sharded = Sharded(self.policy, self.ranks, bf16=config.ranks.bf16)
        self.updater = Updater(config, self.policy, anchor, self.ranks)
        if self._restore_from is not None:
            self._restore(self._restore_from)
        return data

    def _weights(self) -> dict[str, float]:
        parts = ("tests", "syntax", "structure", "complexity", "similarity", "diversity")
        return {name: getattr(self.config.rewards, name) for name in parts}

    @contextmanager
    def _functions(self) -> Iterator[list[Function]]:
        """The user's own reward functions, each in its process; InputError for a broken one."""
        found = [Function(f.path, f.timeout_s) for f in self.config.rewards.functions]
        try:
            for function in found:
                if (problem := function.check()) is not None:
                    raise InputError(problem, remedy="rewards.functions names module:function")
            yield found
        finally:
            for function in found:
                function.close()

    # Warm start ---------------------------------------------------------------------------------

    def _warmstart(self) -> None:
        config = self.config.warmstart
        if self.state["stage"] != "warmstart":
            return
        if self.batches is None or not config.steps:
            self._advance("before")
            return
        policy, optimizer = self.policy, self.updater.optimizer
        self.view.stage("warm start", config.steps, self.state["warm"])
        while self._share(self.state["warm"], config.steps, config.max_seconds, "warmstart") < 1:
            with self._timed("warmstart"):
                step = self.state["warm"]
                share = self._share(step, config.steps, config.max_seconds, "warmstart")
                rate = linear_schedule(step, share, config.warmup, config.decay)
                for group in optimizer.param_groups:
                    group["lr"] = config.learning_rate * rate
                policy.module.train()
                loss = self._imitate(self.batches.at(step))
                norm = torch.nn.utils.clip_grad_norm_(
                    policy.module.parameters(), self.config.update.max_grad_norm
                )
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                sum_loads(policy.module, self.ranks)
                row = {
                    "loss": loss,
                    "grad_norm": whole_norm(norm),
                    **policy.after_step(),
                }
                self.state["warm"] += 1
            if not math.isfinite(row["loss"]):
                raise RunStopped(f"the warm-start loss became {row['loss']} at step {step}")
            self._log("warmstart", row)
            self._save_sometimes()
        self.updater.new_optimizer()
        self._advance("before")

    def _imitate(self, batch: list[Example]) -> float:
        """Accumulate the gradient of this rank's part of a batch; the loss of all of it."""
        ranks = self.ranks
        if ranks.world == 1:
            loss = cross_entropy(self.policy, batch)
            loss.backward()
            return float(loss.detach())
        tokens = sum(len(e.completion) for e in batch)
        mine = [batch[i] for i in ranks.part(len(batch))]
        # a rank without a document still takes part in the backward pass
        scores = self.policy.score([e.group for e in mine or batch[:1]])
        loss = -scores.logprobs.sum() / tokens * bool(mine)
        (loss * ranks.world).backward()
        return ranks.sum(float(loss.detach()))

    # Reinforcement ------------------------------------------------------------------------------

    def _reinforce(self) -> None:
        config = self.config.update
        if self.state["stage"] != "reinforce":
            return
        self.view.stage("reinforcement", config.steps, self.state["rl"])
        if config.kl:
            self.updater.reference = self._reference()
        while self._share(self.state["rl"], config.steps, config.max_seconds, "update") < 1:
            step = self.state["rl"]
            share = self._share(step, config.steps, config.max_seconds, "update")
            phase = self._phase(share)
            started = time.process_time()
            rollout = self._roll(step, phase)
            learn = time.perf_counter()
            rate = linear_schedule(step, share, config.warmup, config.decay)
            row = self.updater.step(rollout, step, rate, phase)
            rollout = merge(self.ranks.gather(without_states(rollout)))
            row |= self._describe(rollout)
            row |= {f"time/{k}": v for k, v in rollout.seconds.items()}
            row["time/learn"] = time.perf_counter() - learn
            row["perf/samples_s"] = len(rollout.samples) / sum(
                row[f"time/{k}"] for k in ("rollout", "reward", "learn")
            )
            if self.curriculum.record(rollout.tasks, rollout.pass_rates()):
                self.view.say(f"level {self.curriculum.reached} opened at step {step}")
            self.state["rl"] += 1
            self._count("update", time.process_time() - started)
            self._log("reinforce", row)
            self._keep_samples(rollout, step)
            self._check_signal(row)
            self._save_sometimes()
        self._advance("after")

    def _reference(self) -> Policy:
        """The policy that reinforcement began with, kept beside the run so that a resumed one
        measures from the same place."""
        root = self.folder / "reference"
        with self._whole() as policy:
            if self.ranks.first and not any(root.glob("step-*/manifest.json")):
                checkpoint.save(root, 0, policy.save, {}, keep=1)
        self.ranks.wait()
        reference = load_policy(checkpoint.newest(root, self.view.say)[0])
        reference.module.requires_grad_(False)
        reference.module.eval()
        return reference

    def _phase(self, share: float) -> PhaseConfig | None:
        """The phase that covers this share of the steps; sets routing and frozen parameters."""
        end = 0.0
        current: PhaseConfig | None = None
        for phase in self.config.phases:
            if share >= end:
                current = phase
            end += phase.share
        if current is not None:
            self.policy.set_uniform_routing(current.routing == "uniform")
            for name, parameter in self.policy.module.named_parameters():
                parameter.requires_grad_(not any(part in name for part in current.freeze))
        return current

    def _roll(self, step: int, phase: PhaseConfig | None) -> Rollout:
        config = self.config.rollout
        sampling = Sampling(config.temperature, config.top_k, config.top_p, config.max_new_tokens)
        drawn = self.curriculum.draw(step, config.prompts)
        mine = self.ranks.part(len(drawn))
        numbers = generator(self.config.seed, "rollout", step)
        first = mine.start * config.samples
        per_sample = PerSample(numbers, len(drawn) * config.samples, first)
        stream = config.noise == "stream" and self.ranks.world == 1
        with self._whole() as policy:
            return roll(
                policy,
                [drawn[i] for i in mine],
                config.samples,
                sampling,
                self.rewards,
                numbers if stream else per_sample,
                keep_hidden=self.updater.value_head is not None,
            )

    def _whole(self) -> AbstractContextManager[Policy]:
        """The policy with all its weights: itself, or a copy where it is spread over ranks."""
        return nullcontext(self.policy) if self.sharded is None else self.sharded.whole()

    def _describe(self, rollout: Rollout) -> dict[str, float]:
        """Metrics of a rollout under TRL's names."""
        reward, known = rollout.rewards()
        count = max(int(known.sum()), 1)
        lengths = torch.tensor([float(len(s.ids)) for s in rollout.samples])
        deviation = torch.where(known, reward, reward.new_tensor(float("nan")))
        flat = (deviation.nan_to_num(2e9).amin(1) >= deviation.nan_to_num(-2e9).amax(1)).float()
        logp = torch.cat([s.logprobs for s in rollout.samples])
        row = {
            "reward": float(reward.sum()) / count,
            "reward_std": float(reward[known].std()) if count > 1 else 0.0,
            "frac_reward_zero_std": float(flat.mean()),
            "reward/failed_frac": 1 - float(known.float().mean()),
            "entropy": float(-logp.mean()),
            "completions/mean_length": float(lengths.mean()),
            "completions/clipped_ratio": sum(s.finish == "length" for s in rollout.samples)
            / len(rollout.samples),
            "sandbox/violation_frac": redmean(self.rewards.tests.violation_frac()),
            "curriculum/level": float(self.curriculum.levels[self.curriculum.reached]),
        }
        usual = ("tests", "syntax", "structure", "complexity", "similarity", "diversity")
        more = {n for s in rollout.scores if isinstance(s, Scored) for n in s.parts}
        for name in (*usual, *sorted(more - set(usual))):
            if values := rollout.part(name):
                row[f"rewards/{name}/mean"] = sum(values) / len(values)
        for score in rollout.scores:
            if isinstance(score, Failed):
                name = f"reward/failed_frac/{score.kind}"
                row[name] = row.get(name, 0.0) + 1 / len(rollout.scores)
        return row

    def _check_signal(self, row: dict[str, float]) -> None:
        """Stop a run whose rewards fail, or which has had nothing to learn from for a while."""
        config = self.config.rewards
        if row["reward/failed_frac"] > config.max_failed:
            detail = self._failure or "no detail"
            raise RunStopped(
                f"{row['reward/failed_frac']:.0%} of the rewards failed at step {self.step}; "
                f"the first: {detail}"
            )
        quiet = row["frac_reward_zero_std"] == 1 or row["grad_norm"] == 0
        self.state["quiet"] = self.state["quiet"] + 1 if quiet else 0
        if self.state["quiet"] >= config.patience and config.control == "none":
            raise RunStopped(
                f"no signal: for {config.patience} steps every group's rewards were equal "
                f"(mean {row['reward']:.3f}), so there is nothing to learn from; "
                "try easier tasks, a longer warm start, or rewards.tests_mode=fraction"
            )

    # Keeping account ----------------------------------------------------------------------------

    def _share(self, step: int, steps: int, max_seconds: float | None, stage: str) -> float:
        """How much of a stage is done: by steps, or by CPU seconds where those are the limit."""
        if max_seconds is None:
            return step / max(steps, 1) if steps else 1.0
        done = max(self.ranks.gather(self.state["seconds"].get(stage, 0.0)))
        return float(done / max_seconds) if steps else 1.0

    def _count(self, stage: str, seconds: float) -> None:
        self.state["seconds"][stage] = self.state["seconds"].get(stage, 0.0) + seconds

    def _timed(self, stage: str) -> _Clock:
        return _Clock(lambda seconds: self._count(stage, seconds))

    def _log(self, stage: str, row: dict[str, float]) -> None:
        self._alive(f"step {self.step}")
        if self.ranks.first:
            self.metrics.append([{"step": self.step, "stage": stage, **row}])
        if self.step % TRIM_EVERY == 0:
            release_freed_memory()
        done = self.state["warm" if stage == "warmstart" else "rl"]
        self.view.step(done, self.step, row)

    def _keep_samples(self, rollout: Rollout, step: int) -> None:
        self._failure = next((s.detail for s in rollout.scores if isinstance(s, Failed)), None)
        if not self.ranks.first:
            return
        rows = []
        for i, (sample, score) in enumerate(zip(rollout.samples, rollout.scores, strict=True)):
            row: dict[str, Any] = {
                "step": self.step,
                "task_id": sample.task_id,
                "prompt": rollout.tasks[i // rollout.per_task].prompt,
                "completion": sample.text,
                "finish": sample.finish,
                "temperature": self.config.rollout.temperature,
            }
            if isinstance(score, Failed):
                row |= {"failed": score.kind, "detail": score.detail}
            else:
                row |= {"reward": score.value, "parts": dict(score.parts)}
            rows.append(row)
        self.samples.append(rows)

    def _evaluate(self, when: str, data: Data, tests: Tests) -> dict[str, Any]:
        config = self.config.evaluation
        if not data.held_out:
            return {"n": 0}
        sampling = Sampling(config.temperature, max_new_tokens=self.config.rollout.max_new_tokens)
        self.view.stage(f"evaluation {when}", len(data.held_out), 0)
        mine = [data.held_out[i] for i in self.ranks.part(len(data.held_out))]
        with self._timed("evaluate"), self._whole() as policy:
            own = evaluate(
                policy,
                mine,
                tests,
                samples=config.samples,
                sampling=sampling,
                seed=self.config.seed,
                prompts_per_batch=config.prompts_per_batch,
                progress=self._evaluated,
            )
        results = self.ranks.join(own)
        summary = summarise(results, sorted({1, config.samples}))
        rows = [
            {"step": self.step, "when": when, "task_id": r.task_id, "level": r.level}
            | {"greedy": r.greedy_verdict, "right": r.right, "samples": len(r.samples)}
            for r in results
        ]
        if self.ranks.first:
            Journal(self.folder / "evaluation.jsonl").append(rows)
        self.view.result(when, summary)
        return summary

    def _evaluated(self, done: int, total: int) -> None:
        self._alive(f"evaluation of task {done}")
        self.view.progress(done, total)
        if self.ranks.world == 1:  # several must leave together, and do so at the end of a step
            self._stop_if_asked()  # the stage began with a checkpoint

    # Saving and restoring -----------------------------------------------------------------------

    def _advance(self, stage: str) -> None:
        self.state["stage"] = stage
        self.save()

    def _save_sometimes(self) -> None:
        self._stop = self.ranks.any(self._stop)
        if self._stop or self.step % self.config.checkpoint.every == 0:
            self.save()
        self._stop_if_asked()

    def save(self) -> None:
        """Write a checkpoint of this moment; all ranks take part, the first one writes."""
        self.state["tracker"] = self.updater.tracker.state()
        self.state["curriculum"] = self.curriculum.state()
        term = self.updater.wasserstein
        self.state["wasserstein"] = term.state() if term else None
        root = self.folder / "checkpoints"
        with self._whole() as policy:
            if self.ranks.first:
                checkpoint.save(
                    root,
                    self.step,
                    lambda folder: self._write(folder, policy),
                    self.state,
                    self.config.checkpoint.keep,
                )
            elif self.sharded is not None:
                self.sharded.save_optimizer(self.updater.optimizer, root)
        self.ranks.wait()

    def _write(self, folder: Path, policy: Policy) -> None:
        policy.save(folder)
        for name, optimizer in self.updater.optimizers().items():
            file = folder / f"{name}.optimizer.safetensors"
            if name == "policy" and self.sharded is not None:
                self.sharded.save_optimizer(optimizer, file)
            else:
                checkpoint.save_optimizer(optimizer, file)
        for name, module in self.updater.critics().items():
            save_file(module.state_dict(), folder / f"{name}.safetensors")

    def _restore(self, folder: Path) -> None:
        for name, optimizer in self.updater.optimizers().items():
            file = folder / f"{name}.optimizer.safetensors"
            if name == "policy" and self.sharded is not None:
                self.sharded.load_optimizer(optimizer, file)
            else:
                checkpoint.load_optimizer(optimizer, file)
        for name, module in self.updater.critics().items():
            module.load_state_dict(load_file(folder / f"{name}.safetensors"))
        self.updater.tracker = Tracker(**self.state["tracker"])
        self.curriculum.restore(self.state["curriculum"])
        if self.updater.wasserstein is not None:
            self.updater.wasserstein.restore(self.state["wasserstein"])

    def _finish(self) -> State:
        summary = {
            "preset": self.config.preset,
            "algorithm": self.config.update.algorithm,
            "seed": self.config.seed,
            "before": self.state["before"],
            "after": self.state["after"],
            "steps": {"warmstart": self.state["warm"], "reinforce": self.state["rl"]},
            "seconds": {k: round(v, 1) for k, v in self.state["seconds"].items()},
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        with self._whole() as policy:
            if self.ranks.first:
                policy.export(self.folder)
                (self.folder / "summary.json").write_text(json.dumps(summary, indent=1))
        return summary


class _Clock:
    """CPU seconds of a `with` block, handed to `done`."""

    def __init__(self, done: Callable[[float], None]) -> None:
        self._done = done

    def __enter__(self) -> None:
        self._started = time.process_time()

    def __exit__(self, *_: object) -> None:
        self._done(time.process_time() - self._started)
