using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>Download and reading of a model: Hugging Face hub, transformers, safetensors, PyTorch.</summary>
internal static class HubExits
{
    private const string Hub = "huggingface_hub src/huggingface_hub/errors.py";
    private const string Transformers = "transformers src/transformers/utils/hub.py";
    private const string Safetensors = "safetensors src/tensor.rs";

    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(ModelGated, "gated repo", Hub),
        new(ModelGated, "GatedRepoError", Hub),
        new(ModelGated, "gated repositories", Hub),
        new(ModelGated, "(AccessDenied) when calling", "botocore"),
        new(ModelGated, "NoCredentialsError", "botocore"),
        new(ModelMissing, "(NoSuchKey) when calling", "botocore"),
        new(ModelMissing, "NoSuchBucket", "botocore"),
        new(ModelMissing, "NotExistError", "modelscope hub/errors.py"),
        new(ModelGated, "is restricted", Hub, "Access to model"),
        new(ModelGated, "401 Client Error", Hub, "huggingface.co"),
        new(ModelGated, "403 Client Error", Hub, "huggingface.co"),
        new(ModelGated, "Invalid user token", Hub),
        new(ModelGated, "Invalid username or password", Hub),
        new(ModelGated, "Invalid credentials in Authorization header", Hub),
        new(ModelRateLimit, "429 Client Error", Hub, "huggingface.co"),
        new(ModelRateLimit, "429 Too Many Requests", Hub, "huggingface.co"),
        new(ModelRateLimit, "You have reached your rate limit", Hub),
        new(ModelMissing, "Repository Not Found for url", Hub),
        new(ModelMissing, "RepositoryNotFoundError", Hub),
        new(ModelMissing, "RevisionNotFoundError", Hub),
        new(ModelMissing, "Revision Not Found for url", Hub),
        new(ModelMissing, "HFValidationError", Hub),
        new(ModelMissing, "Repo id must be in the form", Hub),
        new(ModelMissing, "is not a local folder and is not a valid model identifier", Transformers),
        new(ModelMissing, "Invalid repository ID or local directory specified", "vllm/transformers_utils/config.py"),
        new(ModelMissing, "is not a valid git identifier", Transformers),
        new(ModelMissing, "does not exist", Transformers, "model path"),
        new(ModelFileMissing, "Entry Not Found for url", Hub),
        new(ModelFileMissing, "EntryNotFoundError", Hub),
        new(ModelFileMissing, "does not appear to have a file named", Transformers),
        new(ModelFileMissing, "is not the path to a directory containing a file named", Transformers),
        new(ModelFileMissing, "Error no file named", Transformers),
        new(ModelFileMissing, "Can't load the configuration of", Transformers),
        new(ModelFileMissing, "Can't load tokenizer for", Transformers),
        new(ModelFileMissing, "No such file or directory", Safetensors, ".safetensors"),
        new(ModelFileMissing, "No such file or directory", Safetensors, "config.json"),
        new(ModelFileMissing, "No such file or directory", "pytorch torch/serialization.py", "pytorch_model"),
        new(ModelNetwork, "couldn't connect to 'https://huggingface.co'", Transformers),
        new(ModelNetwork, "LocalEntryNotFoundError", Hub),
        new(ModelNetwork, "OfflineModeIsEnabled", Hub),
        new(ModelNetwork, "Failed to resolve 'huggingface.co'", Hub),
        new(ModelNetwork, "HTTPSConnectionPool(host='huggingface.co'", Hub),
        new(ModelNetwork, "HTTPSConnectionPool(host='cdn-lfs", Hub),
        new(ModelNetwork, "HfHubHTTPError", Hub),
        new(ModelDisk, "Not enough free disk space to download", Hub),
        new(ModelDisk, "[Errno 28] No space left on device", "python: ENOSPC"),
        new(ModelDisk, "No space left on device (os error 28)", "rust: ENOSPC"),
        new(ModelDisk, "Data processing error: CAS service error : IO Error: No space left", "xet-core"),
        new(ModelDamaged, "Consistency check failed", "huggingface_hub src/huggingface_hub/file_download.py"),
        new(ModelDamaged, "SafetensorError", Safetensors),
        new(ModelDamaged, "Error while deserializing header", Safetensors),
        new(ModelDamaged, "MetadataIncompleteBuffer", Safetensors),
        new(ModelDamaged, "incomplete metadata, file not fully covered", Safetensors),
        new(ModelDamaged, "PytorchStreamReader failed", "pytorch caffe2/serialize/inline_container.cc"),
        new(ModelDamaged, "UnpicklingError", "python pickle"),
        new(ModelDamaged, "size mismatch for ", "pytorch torch/nn/modules/module.py"),
        new(ModelDamaged, "Error(s) in loading state_dict", "pytorch torch/nn/modules/module.py"),
        new(ModelDamaged, "It looks like the config file at", Transformers, "is not a valid JSON file"),
        new(ModelArchitecture, "does not recognize this architecture", "transformers auto/configuration_auto.py"),
        new(ModelArchitecture, "Unrecognized model in", "transformers auto/configuration_auto.py"),
        new(ModelArchitecture, "Unrecognized configuration class", "transformers auto/auto_factory.py"),
        new(
            ModelArchitecture,
            "does not exist or is not currently imported",
            "transformers auto/tokenization_auto.py",
            "Tokenizer class"
        ),
        new(ModelQuantization, "Unknown quantization type, got", "transformers quantizers/auto.py"),
        new(ModelOther, "Couldn't instantiate the backend tokenizer", "transformers tokenization_utils_fast.py"),
        new(ModelCode, "requires you to execute the configuration file", "transformers dynamic_module_utils.py"),
        new(ModelCode, "trust_remote_code", "transformers dynamic_module_utils.py", "Please pass the argument"),
    ];
}
