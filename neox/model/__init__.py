"""The project's own language model: a decoder with grouped-query attention and a mixture of
experts.
"""

from neox.model.config import ModelConfig
from neox.model.lm import LanguageModel

__all__ = ["LanguageModel", "ModelConfig"]
