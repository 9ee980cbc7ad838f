using System.Text;
using System.Text.Json;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// Builds the body for a runtime from the client's bytes with up to three edits. It sets the model name a balancer
/// chose and removes the firewall, which no runtime knows. It requests the usage at the end of a stream, because the
/// scheduler counts tokens.
/// </summary>
internal static class BodyEdits
{
    private static readonly byte[] True = [.. "true"u8];
    private static readonly byte[] UsageOption = [.. "\"include_usage\":true,"u8];
    private static readonly byte[] OnlyUsageOption = [.. "\"include_usage\":true"u8];
    private static readonly byte[] UsageOptions = [.. "{\"include_usage\":true}"u8];
    private static readonly byte[] UsageMember = [.. "\"stream_options\":{\"include_usage\":true},"u8];

    /// <summary>The body for one destination; the client's own bytes when no edit is needed.</summary>
    public static ReadOnlyMemory<byte> For(InferenceRequest request, string servingName)
    {
        var edits = new List<(int From, int To, byte[] Text)>(3);
        if (!string.Equals(request.Model, servingName, StringComparison.Ordinal))
        {
            Add(
                request.ModelAt,
                request.Kind.TakesForm()
                    ? Encoding.UTF8.GetBytes(servingName)
                    : JsonSerializer.SerializeToUtf8Bytes(servingName)
            );
        }

        if (request.FirewallAt is { } firewall)
        {
            Add(firewall, []);
        }

        if (request is { IsStream: true, WantsUsage: false, Kind: RequestKind.Chat or RequestKind.Completion })
        {
            AddUsage();
        }

        return edits.Count == 0 ? request.Body : Apply(request.Body.Span, edits);

        void Add(Range range, byte[] text) => edits.Add((range.Start.Value, range.End.Value, text));

        void AddUsage()
        {
            if (request.UsageAt is { } usage)
            {
                Add(usage, True);
            }
            else if (request.StreamOptionsAt is { } none && request.Body.Span[none.Start] != (byte)'{')
            {
                // The member is there and null.
                Add(none, UsageOptions);
            }
            else if (request.StreamOptionsAt is { } options)
            {
                var first = options.Start.Value + 1;
                var isEmpty = request.Body.Span[first..].TrimStart(" \t\r\n"u8) is [(byte)'}', ..];
                Add(first..first, isEmpty ? OnlyUsageOption : UsageOption);
            }
            else
            {
                var first = request.Body.Span.IndexOf((byte)'{') + 1;
                Add(first..first, UsageMember);
            }
        }
    }

    private static byte[] Apply(ReadOnlySpan<byte> body, List<(int From, int To, byte[] Text)> edits)
    {
        edits.Sort(static (a, b) => a.From != b.From ? a.From.CompareTo(b.From) : a.To.CompareTo(b.To));
        var result = new byte[body.Length + edits.Sum(edit => edit.Text.Length - (edit.To - edit.From))];
        var (read, written) = (0, 0);
        foreach (var (from, to, text) in edits)
        {
            body[read..from].CopyTo(result.AsSpan(written));
            written += from - read;
            text.CopyTo(result.AsSpan(written));
            written += text.Length;
            read = to;
        }

        body[read..].CopyTo(result.AsSpan(written));
        return result;
    }
}
