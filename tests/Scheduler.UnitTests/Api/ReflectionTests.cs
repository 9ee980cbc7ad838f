using System.Net;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class ReflectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reflection_is_served_only_if_the_settings_say_so(bool hasReflection)
    {
        await using var api = new ApiFixture { HasReflection = hasReflection };
        await api.InitializeAsync();
        using var http = new HttpClient(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"http://{api.Grpc.Target}/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        )
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([]),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        // A method that is not there is answered by a status of gRPC in the headers.
        const string unimplemented = "12";
        var isMissing = answer.Headers.TryGetValues("grpc-status", out var status) && status.Single() == unimplemented;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(hasReflection, !isMissing);
    }
}
