using Scheduler.Domain.Storage;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Edge;

public sealed class ExceptionErrorsTests
{
    /// <summary>The message was observed when silos were killed during the placement of a grain.</summary>
    [Fact]
    public void A_grain_placed_on_a_dead_silo_is_unavailable_and_retryable()
    {
        var error = ExceptionMapping.Find(
            new OrleansException("Trying to register name-a/b on invalid silo: S127.0.0.1:1:2. Known status: Dead")
        );
        Assert.Equal(ApiErrorCodes.Unavailable, error?.Reason);
        Assert.NotNull(error?.RetryAfter);
    }

    [Fact]
    public void A_storage_error_is_found_inside_an_Orleans_exception()
    {
        var full = new OrleansException("Error from storage provider", new StorageFullException("full"));
        Assert.Contains("full", ExceptionMapping.Find(full)?.Message);
        Assert.Null(ExceptionMapping.Find(new OrleansException("wrapped", new InvalidOperationException("wrong"))));
    }

    [Fact]
    public void A_programming_error_is_not_retryable()
    {
        Assert.Null(ExceptionMapping.Find(new OrleansConfigurationException("wrong")));
        Assert.Null(ExceptionMapping.Find(new InvalidOperationException("wrong")));
    }
}
