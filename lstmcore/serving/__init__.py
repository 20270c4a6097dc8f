"""A server of models: the Open Inference Protocol V2 over HTTP, ``lstmcore serve FOLDER``.

From the outside inwards: `server` (process, signals, draining), `http` (Starlette), `protocol` and
`tensors` (bodies to arrays and back), `engine` (models by name, `Engine.infer`), `repository` (the
folder of models), `served` and `batching` (a thread for each model), `adapter` (what a model takes
and gives; `network`, `applications`). Needs ``pip install 'lstmcore[serve]'``.
"""
