using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Runtimes;

/// <summary>Which environment variables a caller may set for a runtime.</summary>
/// <remarks>
/// Some engines read every option from a variable too: llama-server from <c>LLAMA_ARG_…</c>, text-generation-inference and
/// text-embeddings-inference from the option's name in upper case. So what <c>runtime_arguments</c> may not say, a variable may not
/// either. The rest loads code, moves files or places the runtime on GPUs.
/// </remarks>
public static partial class VariableNames
{
    /// <summary>The form of a name, for messages.</summary>
    public const string Accepted = "1 to 128 of A-Z a-z 0-9 _, beginning with a letter or _";

    /// <summary>Of the scheduler itself; no setting permits them.</summary>
    internal const string OwnPrefix = "SCHEDULER_";

    /// <summary>Harmless although a rule below names them.</summary>
    private static readonly FrozenSet<string> Permitted = Words(
        "HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_HUB_ENABLE_HF_TRANSFER HF_HUB_DOWNLOAD_TIMEOUT HF_XET_HIGH_PERFORMANCE"
    );

    private static readonly FrozenSet<string> Reserved = Words(
        """
        PATH HOME USER LOGNAME SHELL PWD OLDPWD IFS ENV CDPATH HOSTNAME LANG LANGUAGE TZ TERM TMP TEMP TMPDIR LOCPATH NLSPATH
        HOSTALIASES LOCALDOMAIN RES_OPTIONS PS4 SHELLOPTS PORT HOST API_KEY ALL_PROXY HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY
        REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS EDITOR PAGER BROWSER LESSOPEN RUST_LOG TRUST_REMOTE_CODE
        """
    );

    private static readonly string[] ReservedPrefixes =
    [
        OwnPrefix,
        .. """
            LD_ DYLD_ LC_ GLIBC_ GCONV_ MALLOC_ LIB BASH_ PYTHON PERL RUBY NODE_ NPM_ JAVA_ JDK_ _JAVA DOTNET_ CORECLR_ COMPLUS_
            CUDA_ NVIDIA_ NCCL_ HIP_ ROCR_ ROCM_ HSA_ GPU_ AMD_ ZE_ SYCL_ ONEAPI_ VLLM_ SGLANG_ SGL_ TGI_ TLLM_ TRTLLM_ LLAMA_ GGML_
            OLLAMA_ TORCH PYTORCH_ TRITON_ XLA_ JAX_ HF_ TRANSFORMERS_ HUGGINGFACE_ XDG_ OTEL_ SSL_ SSH_ GIT_ KUBERNETES_ DOCKER_
            CONTAINER_ SYSTEMD_ NOTIFY_ RAY_ MPI OMPI_ PMIX_ SLURM_ RUNPOD_ VAST_ KMP_ OPENBLAS_ MKL_ BLIS_
            """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries),
    ];

    public static bool IsName(string text) => NamePattern().IsMatch(text);

    /// <summary>Whether the scheduler or its operator decides the variable. Upper and lower case count as one.</summary>
    internal static bool IsReserved(string name)
    {
        var upper = name.ToUpperInvariant();
        return !Permitted.Contains(upper)
            && (
                Reserved.Contains(upper)
                || ReservedPrefixes.Any(prefix => upper.StartsWith(prefix, StringComparison.Ordinal))
                || EngineOptions.Contains(upper)
            );
    }

    /// <summary>Names of options that callers may not pass, in the form of variables.</summary>
    private static readonly FrozenSet<string> EngineOptions = Engines
        .KnownEngines.All.SelectMany(engine =>
            engine
                .Options.Where(option => option.Rule != Engines.OptionRule.Allowed)
                .SelectMany(option => option.Names)
                .Concat(engine.PlanOptions.SelectMany(option => option.Names))
        )
        .Where(option => option.StartsWith("--", StringComparison.Ordinal))
        .Select(option => option[2..].Replace('-', '_').ToUpperInvariant())
        .ToFrozenSet(StringComparer.Ordinal);

    private static FrozenSet<string> Words(string words) =>
        words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,127}\z", RegexOptions.None, 1000)]
    private static partial Regex NamePattern();
}
