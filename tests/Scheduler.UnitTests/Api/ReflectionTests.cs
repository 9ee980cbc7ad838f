using System.Net;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class ReflectionTests
{
    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.NotFound)]
    public async Task Reflection_is_served_only_if_the_settings_say_so(bool hasReflection, HttpStatusCode expected)
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
        Assert.Equal(expected, answer.StatusCode);
    }
}
