using Scheduler.Domain.Storage;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Edge;

public sealed class ExceptionErrorsTests
{
    /// <summary>As it was seen when silos were killed while a grain was being placed.</summary>
    [Fact]
    public void A_grain_that_was_to_live_in_a_dead_silo_is_asked_for_again()
    {
        var error = ExceptionMapping.Find(
            new OrleansException("Trying to register name-a/b on invalid silo: S127.0.0.1:1:2. Known status: Dead")
        );
        Assert.Equal(ApiErrorCodes.Unavailable, error?.Reason);
        Assert.NotNull(error?.RetryAfter);
    }

    [Fact]
    public void What_the_store_said_is_heard_through_what_Orleans_wraps_it_in()
    {
        var full = new OrleansException("Error from storage provider", new StorageFullException("full"));
        Assert.Contains("full", ExceptionMapping.Find(full)?.Message);
        Assert.Null(ExceptionMapping.Find(new OrleansException("wrapped", new InvalidOperationException("wrong"))));
    }

    [Fact]
    public void What_is_a_fault_of_the_code_is_not_tried_again()
    {
        Assert.Null(ExceptionMapping.Find(new OrleansConfigurationException("wrong")));
        Assert.Null(ExceptionMapping.Find(new InvalidOperationException("wrong")));
    }
}
