"""Texts: Markdown with blocks, placeholders and conditions -> safe HTML (docs/markup.md). Imports no Django."""

from guides.markup.compiler import compile_text
from guides.markup.faults import MESSAGES, Fault, MarkupError
from guides.markup.filler import fill
from guides.markup.situation import Situation
from guides.markup.words import WORDS

__all__ = ["MESSAGES", "WORDS", "Fault", "MarkupError", "Situation", "compile_text", "fill"]
