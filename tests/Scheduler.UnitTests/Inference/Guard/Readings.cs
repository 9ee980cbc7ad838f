using System.Text;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Guard;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>Readings of requests for tests.</summary>
internal static class Readings
{
    private const string Minimal = """{"model":"chat","messages":[]}""";

    /// <summary>A reading with these parts, whatever the request.</summary>
    public static PromptReading Of(params PromptPart[] parts) =>
        Of(RequestKind.Chat, Minimal) with
        {
            Parts = [.. parts],
        };

    /// <summary>The reading of a body.</summary>
    public static PromptReading Of(RequestKind kind, string body) =>
        PromptReader.Read(RequestReader.Read(kind, Encoding.UTF8.GetBytes(body)));

    /// <summary>A request at the firewalls, with more memory than it needs.</summary>
    public static RequestGuard GuardOf(RequestKind kind, string body) =>
        new(
            RequestReader.Read(kind, Encoding.UTF8.GetBytes(body)),
            new MemoryShare(new MemoryBudget(1L << 40, new FullCollections(), TimeProvider.System), null, null)
        );

    public static string BodyOf(PromptReading reading) => Encoding.UTF8.GetString(reading.Body.Span);
}
