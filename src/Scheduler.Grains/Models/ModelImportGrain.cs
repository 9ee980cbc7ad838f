using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Secrets;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

/// <summary>Reads models from the hub beside the turns of their grains, which must not wait for a hub.</summary>
[StatelessWorker]
[GrainType("model-import")]
internal sealed class ModelImportGrain(IEnumerable<IModelHub> hubs, ProviderDirectory providers, ISecretVault vault)
    : Grain,
        IModelImportGrain
{
    public async Task<Answer<ModelView>> ImportAsync(ImportModel command, CommandContext context)
    {
        if (hubs.FirstOrDefault() is not { } hub)
        {
            return Refusal.Invalid(
                new FieldFault("repository", "This scheduler imports no models; register its files.")
            );
        }

        RuntimePreset? preset = null;
        if (command.Runtime is { } runtime)
        {
            var presets = providers.Presets.DistinctBy(known => known.Name, StringComparer.Ordinal).ToList();
            preset = presets.Find(known => known.Name == runtime);
            if (preset is null)
            {
                var names = string.Join(", ", presets.Select(known => known.Name).Order(StringComparer.Ordinal));
                return Refusal.Invalid(new FieldFault("runtime", $"Must be one of {names}."));
            }
        }

        var (token, missing) = await TokenOfAsync(command);
        if (missing is not null)
        {
            return missing;
        }

        var request = new HubRequest(command.Repository, command.Revision, command.File, token);
        var reading = await hub.ReadAsync(request, CancellationToken.None);
        if (reading.Files is not { } files)
        {
            return Refused(command.Repository, reading.Refusal!);
        }

        var registration = RegistrationOf(command, files);
        if (FaultOf(ModelGrain.Read(registration), preset, command.File) is { } fault)
        {
            return Refused(command.Repository, fault);
        }

        return await GrainFactory.Model(command.Account, registration.Name).RegisterAsync(registration, context);
    }

    /// <exception cref="SecretUnreadableException">The secret cannot be decrypted.</exception>
    private async Task<(string? Token, Refusal? Missing)> TokenOfAsync(ImportModel command)
    {
        if (command.TokenSecret is not { } name)
        {
            return (null, null);
        }

        var found = await GrainFactory.Secrets(command.Account).ReadSealedAsync([name]);
        return found.TryGetValue(name, out var sealedToken)
            ? (vault.Open(sealedToken, SecretBinding.OfSecret(command.Account, name)), null)
            : (null, Refusal.Invalid(new FieldFault("token_secret", $"The account has no secret `{name}`.")));
    }

    private static RegisterModel RegistrationOf(ImportModel command, HubFiles files) =>
        new(
            command.Account,
            command.Name ?? command.Repository,
            SourceOf(command.Repository, files),
            files.ConfigJson,
            files.QuantizationJson,
            files.GgufHeader,
            files.WeightsIndex,
            files.WeightsHeaders,
            files.GgufParts
        );

    /// <summary>What was read: the commit, or the quantization for engines that load GGUF files by it.</summary>
    private static string SourceOf(string repository, HubFiles files) =>
        files.GgufHeader is null ? $"{repository}@{files.Commit}"
        : files.Quantization is { } quantization ? $"{repository}:{quantization}"
        : repository;

    private static HubRefusal? FaultOf(ModelReading reading, RuntimePreset? preset, string? file)
    {
        if (reading.Facts is not { } facts)
        {
            var refusal = reading.Refusal!;
            return new(HubCause.Unsupported, $"{file ?? "its file"} is not usable: {refusal.Field} {refusal.Message}");
        }

        return preset?.Engine is { } engine && !engine.Reads(facts.NativeFormat)
            ? new(
                HubCause.WrongRuntime,
                $"{engine.Name} loads {engine.ReadsWords}; it is published in {FormatNames.Name(facts.NativeFormat)}."
            )
            : null;
    }

    private static Refusal Refused(string repository, HubRefusal refusal) =>
        Refusal.Failed(
            FailureCatalogue.Describe(
                refusal.Cause == HubCause.Unreachable
                    ? new HubUnreachableFacts(repository, refusal.Words)
                    : new ModelImportFacts(repository, refusal)
            )
        );
}
