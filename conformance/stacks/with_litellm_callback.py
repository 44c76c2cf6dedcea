"""LiteLLM as a library with tollspan's callback, and tollspan's wires under it: both see each call."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import case
import litellm

import tollspan
from tollspan.litellm import Callback

provider = case.tracer_provider()
tollspan.install(endpoint=case.OTLP, include_usage_hosts={"127.0.0.1"})
litellm.callbacks = [Callback()]
litellm.num_retries = 0

import litellm_cases

case.CASES[:] = [(name, traits, tollspan.attribute(customer="acme")(call)) for name, traits, call in case.CASES]
case.run(provider.force_flush, lambda: tollspan.flush(10))
