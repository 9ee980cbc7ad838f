using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How the servers of Hugging Face end: text-generation-inference and text-embeddings-inference.</summary>
internal static class TgiExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(GpuCache, "Not enough memory to handle", "text-generation-inference server/models/flash_causal_lm.py"),
        new(GpuCache, "You need to decrease `--max-batch-prefill-tokens`", "text-generation-inference server/models"),
        new(GpuMemory, "Could not create backend", "text-embeddings-inference backends/src/lib.rs", "out of memory"),
        new(ModelArchitecture, "Unsupported model type", "text-generation-inference server/models/__init__.py"),
        new(ModelArchitecture, "sharded is not supported for", "text-generation-inference server/models/__init__.py"),
        new(ModelFileMissing, "No local weights found in", "text-generation-inference server/utils/hub.py"),
        new(
            ModelFileMissing,
            "does not exist",
            "text-generation-inference server/utils/weights.py",
            "RuntimeError: weight "
        ),
        new(ModelOther, "Error: DownloadError", "text-generation-inference launcher/src/main.rs"),
        new(ModelOther, "Download encountered an error", "text-generation-inference launcher/src/main.rs"),
        new(
            ModelArchitecture,
            "is not supported",
            "text-embeddings-inference backends/src/lib.rs",
            "Could not start backend"
        ),
        new(ModelOther, "Could not start backend", "text-embeddings-inference backends/src/lib.rs"),
        new(ModelOther, "Could not create backend", "text-embeddings-inference router/src/lib.rs"),
    ];
}
