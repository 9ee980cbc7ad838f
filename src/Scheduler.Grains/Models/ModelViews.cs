using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

internal static class ModelViews
{
    public static ModelView Of(ModelRecord record) =>
        Of(record.Facts!) with
        {
            Name = record.Name,
            Account = record.Account,
            Source = record.Source,
            RegisteredAt = record.RegisteredAt,
        };

    public static ModelView Of(ModelFacts facts) =>
        new()
        {
            Name = facts.Name,
            Source = facts.Name,
            Architecture = facts.Architecture,
            Parameters = facts.Parameters,
            WeightFormat = FormatNames.Name(facts.NativeFormat),
            WeightBytes = facts.WeightBytes,
            KvBytesPerToken = facts.KvBytesPerToken,
            MaxContextTokens = facts.MaxContextTokens ?? 0,
            Doubts = facts.Doubts,
            LeastWeightBytes = (long)((Int128)facts.WeightBytes * facts.WeightsLowPerMille / 1000),
            MostWeightBytes = (long)((Int128)facts.WeightBytes * facts.WeightsHighPerMille / 1000),
        };
}
