"""The configuration of a run: typed, checked, and the same keys in YAML and on the command line.

A preset (neox/presets/NAME.yaml) is a partial configuration over the defaults below; overrides come
last. Every key has a reader; an unknown key is an error that names the nearest one.
"""

from __future__ import annotations

import dataclasses
import difflib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neox.errors import InputError
from neox.model.config import ModelConfig
from neox.objectives.recipes import RECIPES, Recipe


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TasksConfig(Section):
    source: str = Field("forge", description="forge, forge:FAMILY/LEVEL, or a JSONL file")
    count: int = Field(24_000, ge=1, description="training tasks drawn from the forge")
    levels: list[int] = Field([0, 1], min_length=1, description="of the forge, 0 to 3")
    forge_seed: int = Field(0, description="which world of tasks; independent of the run's seed")
    max_prompt_tokens: int = Field(
        192, ge=1, description="longer prompts are left out, and counted"
    )


class WarmstartConfig(Section):
    documents: int = Field(24_000, ge=0, description="solved tasks to imitate; 0 skips the stage")
    quality: Literal["mixed", "clean"] = Field("mixed", description="mixed: 43 % are right")
    steps: int = Field(1_000, ge=0)
    max_seconds: float | None = Field(
        None, gt=0, description="length in CPU seconds of the trainer, instead of steps"
    )
    batch_size: int = Field(32, ge=1, description="documents per step")
    learning_rate: float = Field(2e-3, gt=0)
    warmup: int = Field(20, ge=0, description="steps")
    decay: float = Field(0.5, ge=0, le=1, description="last share of the steps, linearly to zero")


class RolloutConfig(Section):
    prompts: int = Field(32, ge=1, description="prompts per step")
    samples: int = Field(8, ge=1, description="samples per prompt")
    temperature: float = Field(1.0, gt=0)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(64, ge=1)
    noise: Literal["stream", "sample"] = Field(
        "stream", description="sample: a sample's draws depend neither on its batch nor its rank"
    )


class UpdateConfig(Section):
    algorithm: Literal[
        "grpo", "dr-grpo", "dapo", "gspo", "cispo", "rloo", "reinforce", "actor-critic"
    ] = Field("grpo", description="sets the keys below that are null; neox/objectives/recipes.py")
    steps: int = Field(250, ge=0)
    max_seconds: float | None = Field(
        None, gt=0, description="length in CPU seconds of the trainer, instead of steps"
    )
    learning_rate: float = Field(5e-4, gt=0)
    warmup: int = Field(10, ge=0, description="steps")
    decay: float = Field(0.6, ge=0, le=1, description="last share of the steps, linearly to zero")
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    epochs: int = Field(1, ge=1, description="passes over each rollout")
    minibatches: int = Field(1, ge=1, description="optimizer steps per pass")
    micro_groups: int = Field(4, ge=1, description="prompts per forward pass")
    loss: Literal["clip", "gspo", "cispo", "reinforce"] | None = None
    normalise: Literal["token", "sequence", "sequence_sum", "constant"] | None = Field(
        None, description="what the loss is averaged over"
    )
    clip_low: float | None = Field(None, gt=0)
    clip_high: float | None = Field(None, gt=0)
    ratio_cap: float | None = Field(None, gt=0, description="largest weight of a token in cispo")
    scale: Literal["none", "group", "tracker"] | None = Field(
        None, description="divide advantages by the group's or the running deviation"
    )
    min_advantage: float = Field(1e-6, ge=0, description="samples below it everywhere are dropped")
    entropy: float = Field(0.0, ge=0, description="weight of the entropy bonus")
    kl: float = Field(
        0.0,
        ge=0,
        description="weight of the divergence from where reinforcement began",
    )
    anchor: float = Field(0.0, ge=0, description="weight of cross-entropy on the warm-start corpus")
    anchor_documents: int = Field(16, ge=1, description="corpus documents per anchored step")

    def recipe(self) -> Recipe:
        """The algorithm, with the keys that were set in the place of its own."""
        own = {f.name: getattr(self, f.name, None) for f in dataclasses.fields(Recipe)}
        given = {name: value for name, value in own.items() if value is not None}
        return dataclasses.replace(RECIPES[self.algorithm], **given)


class CriticConfig(Section):
    """The value head of the actor-critic, fed with hidden states recorded while sampling."""

    width: int = Field(128, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    epochs: int = Field(4, ge=1, description="passes over each rollout's states")
    gamma: float = Field(1.0, gt=0, le=1)
    gae_lambda: float = Field(
        1.0, ge=0, le=1, description="below 1 the one reward at the end fades towards the start"
    )
    only_mixed: bool = Field(
        True, description="update the policy only on prompts whose samples' rewards differ"
    )


class WassersteinConfig(Section):
    weight: float = Field(
        0.0, ge=0, description="weight of the term in the policy's loss; 0 is off"
    )
    width: int = Field(64, ge=8)
    learning_rate: float = Field(5e-4, gt=0)
    critic_steps: int = Field(2, ge=1, description="critic updates per policy update")
    gradient_penalty: float = Field(10.0, ge=0)
    gumbel_temperature: float = Field(1.0, gt=0)


class FunctionConfig(Section):
    """A reward function of your own: `module:function` or `file.py:function`, in TRL's form
    (`completions`), verl's (`solution_str`) or NEOX's (`attempts`)."""

    path: str = Field(pattern=r"^[^:]+:[A-Za-z_]\w*$")
    weight: float = 1.0
    timeout_s: float = Field(30.0, gt=0, description="wall time of one call")


class RewardsConfig(Section):
    """Weights of the parts; a part of weight 0 is not computed unless it is in `log`."""

    tests: float = Field(1.0, ge=0)
    syntax: float = Field(0.0, ge=0)
    structure: float = Field(0.0, ge=0)
    complexity: float = Field(0.0, ge=0)
    similarity: float = Field(0.0, ge=0)
    diversity: float = Field(
        0.0, ge=0, le=0.1, description="bonus for passing samples unlike the others that pass"
    )
    tests_mode: Literal["all", "fraction"] = "all"
    log: list[Literal["tests", "syntax", "structure", "complexity", "similarity", "diversity"]] = [
        "syntax"
    ]
    functions: list[FunctionConfig] = []
    control: Literal["none", "shuffled", "constant"] = Field(
        "none", description="replace the rewards: the control experiments"
    )
    max_failed: float = Field(0.5, gt=0, le=1, description="share of failed rewards that stops")
    patience: int = Field(20, ge=1, description="steps without any variance or gradient that stop")


class CurriculumConfig(Section):
    kind: Literal["proportional", "stratified", "promote"] = "proportional"
    promote_at: float = Field(0.7, gt=0, le=1, description="pass rate that opens the next level")
    window: int = Field(256, ge=1, description="groups the pass rate is taken over")
    replay: float = Field(0.1, ge=0, le=1, description="share of earlier levels once promoted")


class PhaseConfig(Section):
    """A stretch of reinforcement with its own settings (NeuroFlux 5.1)."""

    name: str
    share: float = Field(gt=0, le=1, description="of update.steps")
    routing: Literal["learned", "uniform"] = "learned"
    entropy: float | None = Field(None, ge=0)
    temperature: float | None = Field(None, gt=0)
    learning_rate: float | None = Field(None, gt=0, description="factor on update.learning_rate")
    freeze: list[str] = Field([], description="parameters whose name contains one of these")


class EvaluationConfig(Section):
    tasks: int = Field(400, ge=0, description="held-out tasks; 0 skips evaluation")
    samples: int = Field(8, ge=1)
    temperature: float = Field(1.0, gt=0)
    prompts_per_batch: int = Field(64, ge=1)


class CheckpointConfig(Section):
    every: int = Field(50, ge=1, description="steps")
    keep: int = Field(2, ge=1)


class SandboxConfig(Section):
    workers: int = Field(1, ge=1)
    cpu_s: float = Field(0.3, gt=0)
    wall_s: float = Field(5.0, gt=0)
    memory_mb: int = Field(256, ge=64)
    output_kb: int = Field(64, ge=1)
    strict: bool = True


class HFConfig(Section):
    """How a model of transformers is held and trained."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    attention: str = Field("sdpa", description="sdpa, eager, flash_attention_2, ...")
    checkpointing: bool = Field(False, description="recompute activations: less memory, more time")
    engine: Literal["native", "transformers"] = Field("native", description="what samples")
    lora_rank: int = Field(0, ge=0, description="train an adapter of this rank; 0 trains all")
    lora_alpha: float = Field(32.0, gt=0)
    lora_targets: list[str] = Field(["all-linear"], min_length=1)


class RanksConfig(Section):
    """Several processes, started by torchrun or accelerate launch."""

    bf16: bool = Field(False, description="compute in bfloat16; weights and sums stay as they are")
    no_progress_s: float = Field(1800, gt=0, description="a step longer than this ends the run")


class RunConfig(Section):
    preset: str = "tiny"
    seed: int = 0
    threads: int = Field(1, ge=1, description="threads of torch")
    output: str | None = Field(None, description="run folder; runs/PRESET-SEED where empty")
    init: str | None = Field(
        None, description="start from this model or run instead of new weights"
    )
    model: ModelConfig = ModelConfig()
    tasks: TasksConfig = TasksConfig()
    warmstart: WarmstartConfig = WarmstartConfig()
    rollout: RolloutConfig = RolloutConfig()
    update: UpdateConfig = UpdateConfig()
    critic: CriticConfig = CriticConfig()
    wasserstein: WassersteinConfig = WassersteinConfig()
    rewards: RewardsConfig = RewardsConfig()
    curriculum: CurriculumConfig = CurriculumConfig()
    phases: list[PhaseConfig] = []
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    sandbox: SandboxConfig = SandboxConfig()
    hf: HFConfig = HFConfig()
    ranks: RanksConfig = RanksConfig()

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        recipe, name = self.update.recipe(), self.update.algorithm
        if recipe.baseline in ("group", "leave_one_out") and self.rollout.samples < 2:
            raise ValueError(f"{name} compares samples of one prompt: rollout.samples must be >= 2")
        if recipe.loss == "reinforce" and self.update.epochs * self.update.minibatches > 1:
            raise ValueError(f"{name} is on policy: update.epochs and update.minibatches must be 1")
        if recipe.scale == "group" and self.rollout.samples < 2:
            raise ValueError("update.scale=group needs rollout.samples >= 2; tracker does not")
        critic_everywhere = recipe.baseline == "critic" and not self.critic.only_mixed
        if critic_everywhere and recipe.scale == "group":
            raise ValueError("critic.only_mixed=false needs update.scale=tracker or none")
        if self.update.minibatches > self.rollout.prompts:
            raise ValueError("update.minibatches exceeds rollout.prompts")
        if self.phases and abs(sum(p.share for p in self.phases) - 1) > 1e-6:
            raise ValueError("the shares of the phases must add up to 1")
        return self


def presets() -> dict[str, dict[str, Any]]:
    """Name to partial configuration, from the files shipped with the package."""
    folder = resources.files("neox").joinpath("presets")
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            found[file.name.removesuffix(".yaml")] = yaml.safe_load(file.read_text()) or {}
    return found


def resolve(preset: str, overrides: list[str]) -> RunConfig:
    """Preset plus `key.sub=value` overrides, checked. Values are read as YAML."""
    known = presets()
    if preset not in known:
        raise InputError(f"no preset {preset!r}" + perhaps(preset, known), remedy=_list(known))
    data = {**known[preset], "preset": preset}
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals:
            raise InputError(f"{item!r} is not of the form key.sub=value")
        _put(data, key.strip().split("."), _value(key, text), key)
    return build(data)


def _value(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{key}: {text!r} is not a YAML value: {error}") from None


def _put(data: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    for part in path[:-1]:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise InputError(f"{key}: {part} is a value, not a section")
    data[path[-1]] = value


def read(path: Path) -> RunConfig:
    """The configuration of a run folder's config.yaml."""
    try:
        data = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist", path, remedy="is this a folder that `neox train` wrote?"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"not YAML: {error}", path, mark.line + 1 if mark else 1) from None
    if not isinstance(data, dict):
        raise InputError("not a configuration: expected `key: value` lines", path, 1)
    return build(data)


def write(config: RunConfig, path: Path) -> None:
    path.write_text(yaml.safe_dump(config.model_dump(), sort_keys=False))


def build(data: dict[str, Any]) -> RunConfig:
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(_explain(e) for e in error.errors())) from None


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {key}" + perhaps(key, keys())
    message = str(error["msg"]).removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}: {message}, got {error.get('input')!r}"


def keys(model: type[BaseModel] = RunConfig, prefix: str = "") -> list[str]:
    """All dotted keys, sections included."""
    found = []
    for name, field in model.model_fields.items():
        found.append(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += keys(kind, prefix + name + ".")
    return found


def perhaps(word: str, known: Any) -> str:
    """`; perhaps you meant X`, or nothing. An equal last part beats a similar spelling."""
    tail = [k for k in known if k.rpartition(".")[2] == word.rpartition(".")[2]]
    near = tail or difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; perhaps you meant {near[0]}" if near else ""


def _list(known: Any) -> str:
    return "known: " + ", ".join(known)
