"""OpenVINO: the same ONNX model as ONNX Runtime's, latency hint, inference only.

Its default is bfloat16 where the CPU has it; so float32 is asked for, or bfloat16.
"""

from __future__ import annotations

import numpy as np
import openvino

from benchmarks.harness.cases import Case
from benchmarks.workers import onnx_model
from benchmarks.workers.common import Task, precision, serve


def set_up(case: Case, training: bool, threads: int) -> Task:
    if training:
        raise NotImplementedError("OpenVINO is measured in inference only")
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(onnx_model.build(case)),
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if precision() else "f32",
        },
    )
    request = compiled.create_infer_request()
    x = onnx_model.time_major(case)
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))

    def infer() -> np.ndarray:
        request.infer()
        return request.get_output_tensor().data

    return Task(infer, onnx_model.batch_major, holds=x)


if __name__ == "__main__":
    serve({"openvino": openvino.__version__}, set_up)
