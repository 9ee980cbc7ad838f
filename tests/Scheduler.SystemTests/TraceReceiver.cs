using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Scheduler.SystemTests;

/// <summary>A minimal OTLP collector: receives traces over HTTP and keeps their spans.</summary>
internal sealed class TraceReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Span> _spans = new();

    private TraceReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/v1/traces", TakeAsync);
        _app.MapPost("/v1/metrics", () => Results.Bytes([], "application/x-protobuf"));
    }

    public string Address => _app.Urls.Single();

    public IReadOnlyCollection<Span> Spans => _spans;

    public static async Task<TraceReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var receiver = new TraceReceiver();
        await receiver._app.StartAsync(cancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        // ExportTraceServiceRequest.resource_spans · ResourceSpans.scope_spans · ScopeSpans.spans
        foreach (
            var span in Fields(body.ToArray(), 1)
                .SelectMany(resource => Fields(resource, 2))
                .SelectMany(scope => Fields(scope, 2))
        )
        {
            _spans.Enqueue(Read(span));
        }

        return Results.Bytes([], "application/x-protobuf");
    }

    private static Span Read(byte[] span) =>
        new(
            Convert.ToHexString(Fields(span, 1).Single()),
            Convert.ToHexString(Fields(span, 2).Single()),
            Convert.ToHexString(Fields(span, 4).SingleOrDefault() ?? []),
            Encoding.UTF8.GetString(Fields(span, 5).Single()),
            Fields(span, 9)
                .Where(attribute => Encoding.UTF8.GetString(Fields(attribute, 1).Single()) == "scheduler.request_id")
                .Select(attribute => Encoding.UTF8.GetString(Fields(Fields(attribute, 2).Single(), 1).Single()))
                .SingleOrDefault()
        );

    /// <summary>The length-delimited values of a field number in a protobuf message.</summary>
    private static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        using var input = new CodedInputStream(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (
                WireFormat.GetTagFieldNumber(tag) == number
                && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited
            )
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }

    internal sealed record Span(string TraceId, string SpanId, string ParentId, string Name, string? RequestId);
}
