using System.Buffers.Binary;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Xunit;
using Status = Google.Rpc.Status;

namespace Scheduler.UnitTests.Api;

/// <summary>Bodies that no gRPC client sends.</summary>
public sealed class MalformedMessageTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const int Limit = 1024 * 1024;

    public static TheoryData<string, byte[], StatusCode, string> Bodies =>
        new()
        {
            { "no frame", [], StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "half a header", [0, 0], StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "an unknown flag", Frame([], flag: 7), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "compressed without encoding", Frame([1, 2], flag: 1), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "more bytes than sent", Frame([1], length: 100), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "two messages", [.. Frame([]), .. Frame([])], StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "no message", Frame([0xff, 0xff, 0xff]), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "depth 5,000", Frame(Nested(5000)), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "length 0xffffffff", Frame([], length: 0xffffffff), StatusCode.InvalidArgument, "INVALID_REQUEST" },
            { "over the limit", Frame(new byte[Limit + 1]), StatusCode.ResourceExhausted, "BODY_TOO_LARGE" },
            { "50 MB", Frame(new byte[50_000_000]), StatusCode.ResourceExhausted, "BODY_TOO_LARGE" },
        };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_malformed_message_gets_a_status_with_a_reason(
        string what,
        byte[] body,
        StatusCode code,
        string reason
    )
    {
        using var http = new HttpClient(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"http://{api.Grpc.Target}/scheduler.v1.Instances/CreateInstance"
        )
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {api.KeyOfA}");
        request.Headers.TryAddWithoutValidation("TE", "trailers");

        using var answer = await http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );

        Assert.True(answer.Headers.TryGetValues("grpc-status", out var status), what);
        Assert.Equal(((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture), status.Single());
        var details = answer.Headers.GetValues("grpc-status-details-bin").Single();
        var told = Status.Parser.ParseFrom(
            Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '='))
        );
        var info = told.Details.First(any => any.Is(Google.Rpc.ErrorInfo.Descriptor)).Unpack<Google.Rpc.ErrorInfo>();
        Assert.Equal(reason, info.Reason);
        Assert.Equal(answer.Headers.GetValues("X-Request-Id").Single(), info.Metadata["request_id"]);
    }

    private static byte[] Frame(byte[] message, byte flag = 0, uint? length = null)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length ?? (uint)message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>Messages in messages, all under the field of the launch spec.</summary>
    private static byte[] Nested(int depth)
    {
        var message = ByteString.Empty;
        for (var i = 0; i < depth; i++)
        {
            using var buffer = new MemoryStream();
            using (var output = new CodedOutputStream(buffer, leaveOpen: true))
            {
                output.WriteTag(
                    Scheduler.Api.V1.CreateInstanceRequest.SpecFieldNumber,
                    WireFormat.WireType.LengthDelimited
                );
                output.WriteBytes(message);
            }

            message = ByteString.CopyFrom(buffer.ToArray());
        }

        return message.ToByteArray();
    }
}
