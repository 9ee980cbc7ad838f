using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;

namespace Scheduler.Api.Models;

/// <summary>Validation of model requests. The model's grain validates the content of the files.</summary>
internal static class ModelRequestValidation
{
    private const int LongestJson = 4 * 1024 * 1024;
    private const int MostFiles = 1024;
    private const int LongestHeader = 16 * 1024 * 1024;
    private const int LongestSource = 512;

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<RegisterModelRequest>(r => r.Parent, Check),
        RequestValidator.For<ImportModelRequest>(r => r.Parent, Check),
        RequestValidator.For<GetModelRequest>(r => r.Name, (r, f) => f.CheckModel("name", r.Name)),
        RequestValidator.For<ListModelsRequest>(r => r.Parent, Check),
    ];

    public static string Query(string parent) => $"models|{parent}";

    private static void Check(RegisterModelRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (!Grammar.IsModelName(request.Model))
        {
            faults.Add("model", $"Must be {Grammar.ModelName}.");
        }

        if (request.Source.Length > LongestSource || request.Source.Any(char.IsControl))
        {
            faults.Add("source", "Must be at most 512 characters in one line.");
        }

        if (request.ConfigJson.IsEmpty == request.GgufHeader.IsEmpty)
        {
            faults.Add("config_json", "Give exactly one of config_json and gguf_header.");
        }

        if (!request.QuantizationJson.IsEmpty && request.ConfigJson.IsEmpty)
        {
            faults.Add("quantization_json", "Goes with config_json only.");
        }

        faults.CheckBytes("config_json", request.ConfigJson.Length, LongestJson);
        faults.CheckBytes("quantization_json", request.QuantizationJson.Length, LongestJson);
        faults.CheckBytes("gguf_header", request.GgufHeader.Length, LongestHeader);
        CheckWeights(request, faults);
    }

    private static void CheckWeights(RegisterModelRequest request, Faults faults)
    {
        var hasWeights = !request.WeightsIndex.IsEmpty || request.WeightsHeaders.Count > 0;
        if (hasWeights && request.ConfigJson.IsEmpty)
        {
            faults.Add("weights_index", "Goes with config_json only.");
        }

        if (request.GgufParts.Count > 0 && request.GgufHeader.IsEmpty)
        {
            faults.Add("gguf_parts", "Goes with gguf_header only.");
        }

        if (request.WeightsHeaders.Count > MostFiles || request.GgufParts.Count > MostFiles)
        {
            faults.Add("weights_headers", "At most 1,024 files are read.");
        }

        faults.CheckBytes("weights_index", request.WeightsIndex.Length, LongestHeader);
        faults.CheckBytes("weights_headers", request.WeightsHeaders.Sum(part => part.Length), LongestHeader);
        faults.CheckBytes("gguf_parts", request.GgufParts.Sum(part => part.Length), LongestHeader);
    }

    private static void Check(ImportModelRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (!IsRepository(request.Repository))
        {
            faults.Add("repository", "Must be a hub id `owner/name`, each part 1 to 96 of A-Z a-z 0-9 . _ -.");
        }

        if (request.Revision.Length > 0 && !new ModelSource("a/b", request.Revision, false).IsHubId)
        {
            faults.Add(
                "revision",
                "Must be a branch, a tag or a commit: 1 to 128 of A-Z a-z 0-9 . _ / -, without `..`."
            );
        }

        if (request.Model.Length > 0 && !Grammar.IsModelName(request.Model))
        {
            faults.Add("model", $"Must be {Grammar.ModelName}.");
        }

        if (request.File.Length > LongestSource || request.File.Any(char.IsControl))
        {
            faults.Add("file", "Must be at most 512 characters in one line.");
        }

        if (request.Runtime.Length > 0 && !Grammar.IsPreset(request.Runtime))
        {
            faults.Add("runtime", "Must be the name of a runtime preset.");
        }

        if (request.TokenSecret.Length > 0 && !SecretValidation.IsName(request.TokenSecret))
        {
            faults.Add("token_secret", $"Must be {SecretValidation.Name}.");
        }
    }

    /// <summary>A hub id that can also be the model's name.</summary>
    private static bool IsRepository(string text) =>
        text.Contains('/', StringComparison.Ordinal)
        && !text.Contains('@', StringComparison.Ordinal)
        && !text.Contains(':', StringComparison.Ordinal)
        && ModelSource.Of(text).IsHubId
        && Grammar.IsModelName(text);

    private static void Check(ListModelsRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request.Parent), Grammar.IsModelName);
    }

    private static void CheckBytes(this Faults faults, string field, int length, int most)
    {
        if (length > most)
        {
            faults.Range(field, length, 0, most, "bytes");
        }
    }
}
