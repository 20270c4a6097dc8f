"""The table: names of Keras 2 and 3, TensorFlow and PyTorch that lstmcore has not, with advice.

Advice names what is here by its full path, ``lstmcore.layers.Conv1D``, to be copied; a test looks
up every such path, and another that no entry is there after all.
"""

from __future__ import annotations

SEQUENCES = "lstmcore is for sequences, not for images"
_CONV = f"{SEQUENCES}; along time there is"
_FRAMES = "lstmcore.layers.TimeDistributed"
_OWN_LAYER = "a subclass of lstmcore.layers.Layer does it"
_OLD_MODULE = "a module of older Keras; import from"
_SCALES = (
    "no loss is scaled: the gradients of lstmcore.mixed_precision.set_global_policy("
    "'mixed_bfloat16') have the range of float32"
)
_CORES = (
    "all cores of a machine work, lstmcore.set_num_threads bounds them; several processes train by "
    "fit(..., distribution=lstmcore.distribution.DataParallel())"
)
_DATA = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def _download(file: str, load: str) -> str:
    return (
        "datasets are not downloaded by name; "
        f"path = lstmcore.utils.get_file({file!r}, '{_DATA}{file}'), then {load}"
    )


_AUGMENTATION = """
    AugMix AutoContrast CenterCrop ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization
    MaxNumBoundingBoxes MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter
    RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur
    RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization
    RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomWidth
    RandomZoom Resizing Solarization
"""

# By module, without "lstmcore."; the names of a line, then the advice for them.
REFUSED: dict[str, dict[str, str]] = {
    "": {
        "applications": f"{SEQUENCES}, and has no trained networks; features that another library "
        "has computed, (samples, time, features), go into lstmcore.layers.LSTM",
        "distribute": _CORES,
        "quantizers Quantizer": "each mode of lstmcore.Model.quantize has one rule, that of "
        "lstmcore.quantization.storage",
        "distillation": "train the small model on what the large one predicts: "
        "lstmcore.Model.predict gives the targets",
        "export": "a model's own method writes it for other programs: lstmcore.Model.export",
        "tree": "nested data are lists and dicts here; Python's own loops go over them",
        "visualization": f"{SEQUENCES}; lstmcore.plotting has figures of series and traces",
        "legacy": "what is left of Keras 2 is in lstmcore.preprocessing",
        "wrappers scikeras": "estimators for scikit-learn are lstmcore.estimators.LSTMClassifier "
        "and lstmcore.estimators.LSTMRegressor",
        "experimental": "peepholes and other variants are arguments of lstmcore.layers.LSTM",
        "estimator": "lstmcore.estimators has estimators as scikit-learn defines them",
        "feature_column": "lstmcore.layers.CategoryEncoding and lstmcore.layers.Embedding encode "
        "categories",
        "src api": "import from the public modules: lstmcore.layers, lstmcore.models",
        "keras": "import lstmcore as keras: its modules are lstmcore.layers and so on",
        "keras_tuner kerastuner": "the tuner is lstmcore.tuner",
        "Tensor tensor constant convert_to_tensor": "arrays are NumPy's: numpy.asarray(x)",
        "gradients no_grad autograd": "gradients are derived in "
        "lstmcore.Model.fit; write a loss or a layer, and no loop of gradients",
        "function compat": "nothing is compiled and there are no sessions: call the function",
        "nn": "layers are in lstmcore.layers: lstmcore.layers.LSTM, lstmcore.layers.Dense",
        "optim": "optimizers are in lstmcore.optimizers: lstmcore.optimizers.Adam",
        "cuda device": "lstmcore computes on CPUs and has no devices",
        "manual_seed set_seed": "lstmcore.utils.set_random_seed seeds everything",
        "io strings": "read files with Python and NumPy; texts: lstmcore.layers.TextVectorization",
        "Operation Function StatelessScope SymbolicScope name_scope device_scope": "graphs are "
        "made by calling layers on lstmcore.Input and closed by lstmcore.Model",
        "remat RematScope": "the memory of a step is bounded as it is; smaller batches need less",
    },
    "layers": {
        "Conv2D Conv3D Convolution2D Convolution3D": f"{_CONV} lstmcore.layers.Conv1D; frames "
        f"that are flat go through it by {_FRAMES}",
        "Conv2DTranspose Conv3DTranspose Convolution2DTranspose Convolution3DTranspose "
        "Deconvolution2D": f"{_CONV} lstmcore.layers.Conv1DTranspose",
        "DepthwiseConv2D SeparableConv2D SeparableConvolution2D": f"{_CONV} "
        "lstmcore.layers.DepthwiseConv1D and lstmcore.layers.SeparableConv1D",
        "ConvLSTM2D ConvLSTM3D ConvLSTM2DCell": f"{SEQUENCES}; of frames with one axis of places "
        "there is lstmcore.layers.ConvLSTM1D; others become vectors by "
        f"{_FRAMES} of lstmcore.layers.Flatten, and those go into lstmcore.layers.LSTM",
        "AveragePooling2D AveragePooling3D AvgPool2D AvgPool3D": f"{_CONV} "
        "lstmcore.layers.AveragePooling1D",
        "MaxPooling2D MaxPooling3D MaxPool2D MaxPool3D": f"{_CONV} lstmcore.layers.MaxPooling1D",
        "AdaptiveAveragePooling2D AdaptiveAveragePooling3D GlobalAveragePooling2D "
        "GlobalAveragePooling3D GlobalAvgPool2D GlobalAvgPool3D": f"{_CONV} "
        "lstmcore.layers.GlobalAveragePooling1D",
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D GlobalMaxPooling2D GlobalMaxPooling3D "
        "GlobalMaxPool2D GlobalMaxPool3D": f"{_CONV} lstmcore.layers.GlobalMaxPooling1D",
        "Cropping2D Cropping3D": f"{_CONV} lstmcore.layers.Cropping1D",
        "ZeroPadding2D ZeroPadding3D": f"{_CONV} lstmcore.layers.ZeroPadding1D",
        "UpSampling2D UpSampling3D": f"{_CONV} lstmcore.layers.UpSampling1D",
        "SpatialDropout2D SpatialDropout3D": f"{_CONV} lstmcore.layers.SpatialDropout1D",
        _AUGMENTATION: f"{SEQUENCES}; noise on sequences is lstmcore.layers.GaussianNoise",
        "CuDNNLSTM": "lstmcore.layers.LSTM is the fast one, with every option",
        "CuDNNGRU": "lstmcore.layers.GRU is the fast one, with every option",
        "AbstractRNNCell": "subclass lstmcore.layers.Cell",
        "PeepholeLSTMCell": "lstmcore.layers.LSTM with peephole=True",
        "LocallyConnected1D LocallyConnected2D": "weights of its own for each step: take "
        "lstmcore.layers.Conv1D, whose weights are shared, or lstmcore.layers.Flatten and "
        "lstmcore.layers.Dense",
        "ThresholdedReLU": "lstmcore.layers.ReLU with threshold=",
        "Merge": "lstmcore.layers.Concatenate, lstmcore.layers.Add, lstmcore.layers.Dot "
        "and their like",
        "TimeDistributedDense MaxoutDense Highway": "Keras 1's; lstmcore.layers.Dense works on "
        "every step",
        "DenseFeatures SequenceFeatures": "lstmcore.layers.CategoryEncoding and "
        "lstmcore.layers.Embedding encode categories",
        "SyncBatchNormalization": f"{_CORES}; lstmcore.layers.BatchNormalization",
        "RandomFourierFeatures": _OWN_LAYER,
        "TFSMLayer JaxLayer FlaxLayer TorchModuleWrapper": "code of other libraries is not run; "
        "weights move as arrays, by lstmcore.layers.Layer.set_weights",
    },
    "losses": {
        "losses_utils Reduction": "reduction is a string: 'sum_over_batch_size', 'sum', 'mean', "
        "'none'",
    },
    "metrics": {
        "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU": f"{SEQUENCES}; of classes there is "
        "lstmcore.metrics.F1Score",
        "MeanRelativeError": "lstmcore.metrics.MeanAbsolutePercentageError",
        "MeanTensor": "lstmcore.metrics.Mean",
        "SumOverBatchSize": "lstmcore.metrics.Mean",
        "matthews_correlation": "take it from the predictions, with scikit-learn",
        "precision": "lstmcore.metrics.Precision",
        "recall": "lstmcore.metrics.Recall",
        "fmeasure fbeta_score": "lstmcore.metrics.FBetaScore",
        "mean_relative_error": "lstmcore.metrics.MeanAbsolutePercentageError",
        "mean_pred": "lstmcore.metrics.Mean, or a function of y_true and y_pred",
    },
    "optimizers": {
        "LossScaleOptimizer": _SCALES,
        "MultiOptimizer OptimizerMap": "one optimizer has all weights; lstmcore.layers.Layer has "
        "trainable= to leave some as they are",
        "TFOptimizer": "subclass of another library; take lstmcore.optimizers.Adam",
    },
    "mixed_precision": {
        "LossScaleOptimizer": _SCALES,
        "experimental": "lstmcore.mixed_precision.set_global_policy",
    },
    "dtype_policies": {
        "DTypePolicyMap": "each layer has its own policy: lstmcore.layers.Layer with dtype=, or "
        "its dtype_policy",
        "QuantizedDTypePolicy QuantizedFloat8DTypePolicy Int4DTypePolicy GPTQDTypePolicy "
        "AWQDTypePolicy": "policies say how layers are trained: lstmcore.DTypePolicy; the "
        "weights of a trained model are stored in fewer bytes by lstmcore.Model.quantize",
    },
    "initializers": {
        "normal": "lstmcore.initializers.RandomNormal",
        "uniform": "lstmcore.initializers.RandomUniform",
    },
    "regularizers": {
        "l1l2 WeightRegularizer": "lstmcore.regularizers.L1L2",
        "activity_l1 activity_l2 activity_l1l2 ActivityRegularizer": "activity_regularizer= of a "
        "layer, or lstmcore.layers.ActivityRegularization",
    },
    "constraints": {
        "RadialConstraint radial_constraint": "of images; lstmcore.constraints.UnitNorm",
    },
    "distribution": {
        "DeviceMesh LayoutMap ModelParallel TensorLayout distribute_tensor distribution "
        "get_device_count initialize list_devices set_distribution": _CORES,
    },
    "callbacks": {
        "OrbaxCheckpoint": "lstmcore.callbacks.ModelCheckpoint, or "
        "lstmcore.callbacks.BackupAndRestore to go on after an interruption",
        "RemoteMonitor": "nothing is sent; lstmcore.callbacks.CSVLogger writes, and "
        "lstmcore.callbacks.LambdaCallback calls what you like",
        "BaseLogger": "the means of an epoch are kept without it: lstmcore.callbacks.History",
        "TensorBoardV1": "lstmcore.callbacks.TensorBoard",
        "experimental": "lstmcore.callbacks.BackupAndRestore",
    },
    "models": {
        "model_from_yaml": "lstmcore.models.model_from_json",
        "model_from_config": "lstmcore.Sequential.from_config or lstmcore.Model.from_config",
        "save_weights": "a method: lstmcore.Model.save_weights",
        "Graph": "lstmcore.Model",
    },
    "utils": {
        "FeatureSpace": "encode each column: lstmcore.layers.Normalization, "
        "lstmcore.layers.StringLookup, lstmcore.layers.CategoryEncoding",
        "array_to_img img_to_array load_img save_img image_dataset_from_directory bounding_boxes "
        "image_utils": SEQUENCES,
        "audio_dataset_from_directory": "read sounds with scipy.io.wavfile into arrays, "
        "(samples, time), and batch them by lstmcore.utils.PyDataset",
        "Config": "a dict, or types.SimpleNamespace",
        "get_source_inputs": "lstmcore.Model has its inputs as .inputs",
        "legacy": "lstmcore.saving.serialize_keras_object and its like",
        "visualize_util": "lstmcore.utils.plot_model",
        "HDF5Matrix": "read the file into an array, or batch it by lstmcore.utils.PyDataset",
        "OrderedEnqueuer GeneratorEnqueuer SequenceEnqueuer": "lstmcore.Model.fit takes a "
        "lstmcore.utils.PyDataset as it is",
        "multi_gpu_model": _CORES,
        "convert_all_kernels_in_model": "weights are Keras's, there is nothing to convert",
        "experimental": f"{_OLD_MODULE} lstmcore.utils",
    },
    "preprocessing": {
        "image image_dataset_from_directory": SEQUENCES,
    },
    "saving": {
        "KerasFileEditor": "lstmcore.saving.describe_file shows what is in a file",
    },
    "datasets": {
        "imdb": _download(
            "imdb.npz",
            "numpy.load(path, allow_pickle=True)['x_train'], 'y_train', 'x_test', 'y_test'; add 3 "
            "to every word, put 1 before each review, and 2 for words from num_words on",
        ),
        "reuters": _download(
            "reuters.npz",
            "numpy.load(path, allow_pickle=True)['x'] and ['y']; add 3 to every word, put 1 before "
            "each text, and 2 for words from num_words on",
        ),
        "boston_housing": _download("boston_housing.npz", "numpy.load(path)['x'] and ['y']"),
        "california_housing": _download(
            "california_housing.npz", "numpy.load(path)['x'] and ['y']"
        ),
        "mnist": _download("mnist.npz", "numpy.load(path)['x_train'], rows of pixels as steps"),
        "fashion_mnist": f"{SEQUENCES}; its rows of pixels may be steps: the files are at "
        f"{_DATA}train-images-idx3-ubyte.gz, for lstmcore.utils.get_file",
        "cifar cifar10 cifar100": f"{SEQUENCES}; lstmcore.utils.get_file gets a file by its "
        "address",
    },
    "data": {
        "Dataset": "lstmcore.utils.Dataset has from_tensor_slices, map, batch and their like; "
        "lstmcore.Model.fit takes arrays and generators too",
        "AUTOTUNE experimental": "batches are prepared in fit: lstmcore.Model.fit needs no tuning",
        "DataLoader TensorDataset": "lstmcore.Model.fit takes arrays and any iterable of batches, "
        "PyTorch's loaders too",
    },
    "config": {
        "set_backend": "there is one backend, the core in C; arrays are NumPy's",
        "enable_traceback_filtering": "tracebacks are always whole",
        "enable_unsafe_deserialization": "a file never holds code; users' classes are named by "
        "lstmcore.saving.register_keras_serializable",
        "enable_flash_attention disable_flash_attention is_flash_attention_enabled": "attention "
        "is computed in one way: lstmcore.layers.MultiHeadAttention",
        "is_nnx_enabled": "there is one backend, the core in C; arrays are NumPy's",
        "max_epochs set_max_epochs": "epochs= of lstmcore.Model.fit",
        "max_steps_per_epoch set_max_steps_per_epoch": "steps_per_epoch= of lstmcore.Model.fit",
    },
}

REFUSED["backend"] = {
    "conv1d conv2d conv3d conv2d_transpose depthwise_conv2d separable_conv2d local_conv1d "
    "local_conv2d": "along time there is lstmcore.layers.Conv1D and lstmcore.ops.conv",
    "pool2d pool3d resize_images resize_volumes spatial_2d_padding spatial_3d_padding": SEQUENCES,
    "placeholder": "lstmcore.Input declares an input",
    "gradients": "gradients are derived in lstmcore.Model.fit; write a loss or a layer",
    "variable random_normal_variable random_uniform_variable": "what is learnt is made by "
    "lstmcore.layers.Layer.add_weight, what is not is lstmcore.Variable(value, trainable=False)",
    "rnn": "lstmcore.layers.RNN runs any lstmcore.layers.Cell",
    "get_session set_session manual_variable_initialization name_scope tf tensorflow_backend "
    "control_flow_ops": "there are no sessions: lstmcore.backend.clear_session is what is left",
    "set_learning_phase": "training= of a call: lstmcore.layers.Layer",
    "set_image_dim_ordering image_dim_ordering": "lstmcore.backend.image_data_format",
    "ctc_label_dense_to_sparse": "labels stay dense: lstmcore.losses.CTC",
    "binary_focal_crossentropy": "lstmcore.losses.BinaryFocalCrossentropy",
    "categorical_focal_crossentropy": "lstmcore.losses.CategoricalFocalCrossentropy",
}
REFUSED["preprocessing.sequence"] = {
    "skipgrams make_sampling_table": "pairs of words for word2vec are not made here; vectors are "
    "learnt by lstmcore.layers.Embedding inside of a model",
}
REFUSED["ops"] = {
    "image": f"{SEQUENCES}: there is lstmcore.ops.flip, lstmcore.ops.pad",
    "extract_patches depth_to_space space_to_depth fold unfold psnr": SEQUENCES,
    "jvp": "gradients are derived backward, in lstmcore.Model.fit",
    "polar": "lstmcore.ops.cos and lstmcore.ops.sin",
    "rearrange": "lstmcore.ops.transpose and lstmcore.ops.reshape",
    "vectorize": "lstmcore.ops.vectorized_map",
}

_ADVICE = {
    module: {name: told for names, told in lines.items() for name in names.split()}
    for module, lines in REFUSED.items()
}


def advice(module: str, name: str) -> str | None:
    """Return what to use instead of a name of a module; None if the table has not got it.

    Parameters
    ----------
    module : str
        The full name: ``"lstmcore.layers"``.
    """
    return _ADVICE.get(module.partition(".")[2], {}).get(name)


def entries() -> list[tuple[str, str, str]]:
    """Return the whole table as (module, name, advice)."""
    return [(m, name, told) for m, lines in _ADVICE.items() for name, told in lines.items()]
