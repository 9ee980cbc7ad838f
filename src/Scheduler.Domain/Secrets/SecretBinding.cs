using System.Text;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Secrets;

/// <summary>
/// What a sealed value belongs to. It is authenticated with the value, so that a value that was moved to another row cannot be opened.
/// </summary>
public sealed record SecretBinding
{
    private const char Separator = '\0';

    private readonly string _text;

    private SecretBinding(params ReadOnlySpan<string> parts) => _text = string.Join(Separator, parts!);

    /// <summary>A named secret of an account.</summary>
    public static SecretBinding OfSecret(AccountId account, string name) => new("secret", account.Value, name);

    /// <summary>The runtime key of one allocation.</summary>
    public static SecretBinding OfRuntimeKey(InstanceId instance, AllocationKey key) =>
        new("runtime-key", instance.Value, key.Value);

    /// <summary>The private key of the authority of the hosts' certificates.</summary>
    public static SecretBinding OfHostAuthority() => new("host-authority");

    /// <summary>The bytes to authenticate. No part contains the separator, so different bindings have different bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(_text);

    public override string ToString() => _text.Replace(Separator, '/');
}
