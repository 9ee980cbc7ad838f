using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Billing;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

[GrainType("model")]
internal sealed class ModelGrain(
    [PersistentState("model", GrainStorageNames.Database)] IPersistentState<ModelRecord> state,
    IOptions<RuntimeOptions> runtimes,
    TimeProvider clock
) : Grain, IModelGrain
{
    private readonly Recorded<ModelRecord> _model = new(state);

    public async Task<Answer<ModelView>> RegisterAsync(RegisterModel command, CommandContext context)
    {
        var fingerprint = FingerprintOf(command);
        if (_model.Value.Exists)
        {
            return _model.Value.Fingerprint == fingerprint
                ? ModelViews.Of(_model.Value)
                : Refusal.Exists($"Model '{command.Name}' is registered with other files.");
        }

        var source = command.Source ?? command.Name;
        if (runtimes.Value.FaultOf(ModelSource.Of(source)) is { } fault)
        {
            return Refusal.Invalid(new FieldFault("source", fault));
        }

        var reading = Read(command);
        if (reading.Facts is null)
        {
            var field = command.GgufHeader is null ? "config_json" : "gguf_header";
            return Refusal.Invalid(
                new FieldFault(
                    reading.Refusal!.Field.Length == 0 ? field : $"{field}.{reading.Refusal.Field}",
                    reading.Refusal.Message
                )
            );
        }

        var record = RecordOf(command, source, reading.Facts, fingerprint, context);
        var key = this.GetPrimaryKeyString();
        return await GrainFactory.WithinQuotaAsync(
            command.Account,
            new QuotaClaim(Quota.Models, key),
            () =>
                GrainFactory.WithinQuotaAsync(
                    command.Account,
                    new QuotaClaim(Quota.ModelBytes, key, 0, BytesOf(record)),
                    () => WriteAsync(record)
                )
        );
    }

    public Task<Answer<ModelView>> GetAsync(AccountId? account) =>
        Task.FromResult<Answer<ModelView>>(
            _model.Value.Exists && (account is null || account == _model.Value.Account)
                ? ModelViews.Of(_model.Value)
                : Refusal.NotFound("Model")
        );

    public Task<Answer<ModelRecord>> FactsAsync(AccountId account) =>
        Task.FromResult<Answer<ModelRecord>>(
            _model.Value.Exists && account == _model.Value.Account ? _model.Value : Refusal.NotFound("Model")
        );

    private async Task<Answer<ModelView>> WriteAsync(ModelRecord record)
    {
        await _model.WriteAsync(record, this);
        return ModelViews.Of(_model.Value);
    }

    /// <summary>About what the record takes in the store, which writes the same members.</summary>
    private static long BytesOf(ModelRecord record) => JsonSerializer.SerializeToUtf8Bytes(record).LongLength;

    private ModelRecord RecordOf(
        RegisterModel command,
        string source,
        ModelFacts facts,
        string fingerprint,
        CommandContext context
    )
    {
        var now = clock.Now();
        return new ModelRecord
        {
            Account = command.Account,
            Name = command.Name,
            Source = source,
            Facts = facts,
            RegisteredAt = now,
            Fingerprint = fingerprint,
            LastSequence = 1,
            Events =
            [
                new StoredEvent
                {
                    Sequence = 1,
                    At = now,
                    Trigger = "Register",
                    Reason = $"{facts.Architecture}, {facts.Parameters} parameters",
                    RequestId = context.RequestId,
                    Actor = context.Actor,
                },
            ],
        };
    }

    internal static ModelReading Read(RegisterModel command)
    {
        if (command.GgufHeader is { } header)
        {
            return GgufHeader.Parse(command.Name, header, command.GgufParts.IsDefault ? [] : command.GgufParts);
        }

        var reading = HfConfig.Parse(command.Name, command.ConfigJson, command.QuantizationJson);
        return reading.Facts is null ? reading
            : command.WeightsHeaders is { IsDefaultOrEmpty: false } headers
                ? WeightFiles.ApplyHeaders(reading.Facts, headers)
            : command.WeightsIndex is { } index ? WeightFiles.ApplyIndex(reading.Facts, index)
            : reading;
    }

    private static string FingerprintOf(RegisterModel command)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in new[] { command.ConfigJson, command.QuantizationJson, command.GgufHeader })
        {
            Append(part);
        }

        // Later members count only when they are given, so that earlier fingerprints keep their value.
        if (command.WeightsIndex is not null)
        {
            Append(command.WeightsIndex);
        }

        foreach (var parts in (ImmutableArray<ImmutableArray<byte[]>>)[command.WeightsHeaders, command.GgufParts])
        {
            foreach (var part in parts.IsDefault ? [] : parts)
            {
                Append(part);
            }
        }

        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(command.Source ?? command.Name));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(byte[]? part)
        {
            hash.AppendData(BitConverter.GetBytes(part?.Length ?? -1));
            hash.AppendData(part ?? []);
        }
    }
}
