using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Microsoft's Phi. Source: transformers <c>models/phi*</c>, and the code beside the files.</summary>
internal static class PhiFamilies
{
    public static readonly ImmutableArray<Family> Rows =
    [
        new()
        {
            Types = ["phi", "mixformer-sequential", "phi-msft"],
            Feed = FeedStyle.Plain,
            HasFeedBias = true,
            HasQkvBias = true,
            NormsPerLayer = 1,
            NormVectors = 2,
            HasHeadBias = true,
        },
        new() { Types = ["phi3", "phi3_v", "phi4mm", "phi4_multimodal"] },
        new()
        {
            Types = ["phimoe"],
            HasQkvBias = true,
            NormVectors = 2,
            HasHeadBias = true,
        },
        new()
        {
            Types = ["phi3small"],
            HasFeedBias = true,
            HasQkvBias = true,
            NormVectors = 2,
            IsTiedByDefault = true,
            Adapt = fields => fields.Alias("intermediate_size", "ff_intermediate_size"),
        },
    ];
}
