using System.Text;
using System.Text.Json;

namespace Scheduler.Providers.Http;

/// <summary>A whole answer of a vendor.</summary>
/// <param name="Call">Method and path, for messages.</param>
/// <param name="Secret">The API key of the call, which never appears in a message.</param>
internal sealed record VendorAnswer(string Vendor, string Call, int Status, byte[] Body, string Secret)
{
    internal bool IsSuccess => Status is >= 200 and <= 299;

    internal VendorError Error => VendorError.Read(Status, Encoding.UTF8.GetString(Body), Secret);

    /// <summary>The body of a success.</summary>
    /// <exception cref="VendorException">The answer is an error, or no JSON.</exception>
    internal JsonElement Json()
    {
        if (!IsSuccess)
        {
            throw Failure();
        }

        try
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw Unusable($"with something that is no JSON: {e.Message}", e);
        }
    }

    internal VendorException Failure() => Unusable($"with {Status}: {Error.Words}");

    /// <summary>The list under a name.</summary>
    /// <exception cref="VendorException">There is none: an absent list is no empty one.</exception>
    internal IReadOnlyList<JsonElement> List(string name) =>
        Json().Member(name) is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray()]
            : throw Unusable($"without the list '{name}'");

    private VendorException Unusable(string how, Exception? cause = null) =>
        new($"{Vendor} answered {Call} {how}", cause) { WasAnswered = true };

    public override string ToString() => $"{Vendor} {Call}: {Status}, {Body.Length} bytes";
}
