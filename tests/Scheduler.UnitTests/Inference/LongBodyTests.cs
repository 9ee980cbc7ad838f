using Scheduler.Inference.Upstream;
using Xunit;

namespace Scheduler.UnitTests.Inference;

public sealed class LongBodyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(LongBody.LeastBytes)]
    [InlineData((3 * LongBody.LeastBytes) + 17)]
    public async Task A_body_is_sent_whole_and_never_from_its_own_array(int length)
    {
        var ct = TestContext.Current.CancellationToken;
        var body = new byte[length];
        new Random(length).NextBytes(body);
        using var content = new LongBody(body);
        using var sent = new Seen();

        await content.CopyToAsync(sent, ct);

        Assert.Equal(length, content.Headers.ContentLength);
        Assert.Equal(body, sent.ToArray());
        Assert.DoesNotContain(sent.Arrays, array => ReferenceEquals(array, body));
    }

    private sealed class Seen : MemoryStream
    {
        public List<byte[]> Arrays { get; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(buffer, out var array));
            Arrays.Add(array.Array!);
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
