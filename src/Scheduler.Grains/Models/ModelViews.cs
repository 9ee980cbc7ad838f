using Scheduler.Domain.Compatibility;

namespace Scheduler.Grains.Models;

/// <summary>Models as they are shown.</summary>
internal static class ModelViews
{
    /// <summary>A registered model.</summary>
    public static ModelView Of(ModelRecord record) =>
        Of(record.Facts!) with
        {
            Name = record.Name,
            Account = record.Account,
            Source = record.Source,
            RegisteredAt = record.RegisteredAt,
        };

    /// <summary>A model of the shipped catalogue.</summary>
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
        };
}
