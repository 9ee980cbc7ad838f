using System.Collections.Immutable;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Secrets;

namespace Scheduler.Grains.Instances;

/// <summary>The secrets of an instance: what its runtime gets, and what no text about it may contain.</summary>
internal sealed class InstanceSecrets(ISecretVault vault, IGrainFactory grains)
{
    /// <summary>Characters. Shorter values are not hidden: they occur in any text by chance.</summary>
    private const int ShortestHidden = 6;

    private const string Hidden = "***";

    /// <summary>The key that the runtime of the record's intent asks its callers for; null when it has none.</summary>
    /// <exception cref="SecretUnreadableException">It cannot be decrypted.</exception>
    public RuntimeKey? KeyOf(InstanceRecord record) =>
        record.Intent is { RuntimeKey: { } sealedKey } intent
            ? new RuntimeKey(vault.Open(sealedKey, SecretBinding.OfRuntimeKey(record.Id, intent.Key)))
            : null;

    /// <summary>
    /// The environment of the runtime with the secrets' present values. It is read for every attempt and never stored, so a silo that
    /// takes over reads it again.
    /// </summary>
    /// <returns><c>Missing</c> is a sentence that names the secret that does not exist any more; null when all exist.</returns>
    /// <exception cref="SecretUnreadableException">A secret cannot be decrypted.</exception>
    public async Task<(ImmutableSortedDictionary<string, string> Environment, string? Missing)> EnvironmentOfAsync(
        InstanceRecord record
    )
    {
        var environment = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        var names = record.Spec.SecretsNamed;
        var found = names.IsEmpty
            ? ImmutableSortedDictionary<string, SealedValue>.Empty
            : await grains.Secrets(record.Account).ReadSealedAsync(names);
        foreach (var (variable, value) in record.Spec.Variables)
        {
            if (value.Secret is not { } name)
            {
                environment[variable] = value.Value ?? "";
            }
            else if (found.TryGetValue(name, out var sealedValue))
            {
                environment[variable] = vault.Open(sealedValue, SecretBinding.OfSecret(record.Account, name));
            }
            else
            {
                return (
                    environment.ToImmutable(),
                    $"The account has no secret `{name}` any more, which spec.env[{variable}] names."
                );
            }
        }

        return (environment.ToImmutable(), null);
    }

    /// <summary>
    /// A text of the provider or the runtime without the runtime key and the present values of secrets: both may repeat what they got.
    /// </summary>
    public async Task<string> WithoutAsync(InstanceRecord record, string text)
    {
        if (text.Length < ShortestHidden || (record.Intent?.RuntimeKey is null && record.Spec.SecretsNamed.IsEmpty))
        {
            return text;
        }

        try
        {
            return Without(await HiddenOfAsync(record), text);
        }
        catch (Exception exception)
            when (exception is SecretUnreadableException or TimeoutException or OrleansException)
        {
            // The end of a runtime must be recorded all the same.
            return "(left out: it may contain a secret, which cannot be read)";
        }
    }

    /// <summary>An allocation whose output and reason contain no secret.</summary>
    public async Task<Allocation> WithoutAsync(InstanceRecord record, Allocation seen) =>
        seen.Exit is { } exit
            ? seen with
            {
                Exit = exit with
                {
                    OutputTail = await WithoutAsync(record, exit.OutputTail),
                    ProviderReason = exit.ProviderReason is { } reason ? await WithoutAsync(record, reason) : null,
                },
            }
            : seen;

    /// <summary>The values that must not be in a text about a request.</summary>
    public static ImmutableArray<string> HiddenOf(InstanceRecord record, AllocationRequest request) =>
        [
            .. record
                .Spec.Variables.Where(variable => variable.Value.Secret is not null)
                .Select(variable => request.Environment.GetValueOrDefault(variable.Key, ""))
                .Append(request.RuntimeKey?.Value ?? "")
                .Where(value => value.Length >= ShortestHidden),
        ];

    public static string Without(ImmutableArray<string> hidden, string text) =>
        hidden.Aggregate(text, (clean, value) => clean.Replace(value, Hidden, StringComparison.Ordinal));

    private async Task<ImmutableArray<string>> HiddenOfAsync(InstanceRecord record)
    {
        var (environment, _) = await EnvironmentOfAsync(record);
        return
        [
            .. record
                .Spec.Variables.Where(variable => variable.Value.Secret is not null)
                .Select(variable => environment.GetValueOrDefault(variable.Key, ""))
                .Append(KeyOf(record)?.Value ?? "")
                .Where(value => value.Length >= ShortestHidden),
        ];
    }
}
