using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Scheduler.Host;
using Scheduler.Storage;
using Xunit;

namespace Scheduler.UnitTests.Host;

public sealed class StartFaultTests
{
    public static TheoryData<Exception, int, string> Faults =>
        new()
        {
            {
                new OptionsValidationException("", typeof(object), ["Host:HttpPort is -1"]),
                2,
                "\n  Host:HttpPort is -1"
            },
            { new StorageUnusableException("it is damaged"), 3, "it is damaged" },
            { new InvalidOperationException("a", new StorageUnusableException("it is damaged")), 3, "it is damaged" },
            { new IOException("port 5080 is taken.", new AddressInUseException("in use")), 4, "port 5080 is taken" },
            { new SocketException((int)SocketError.AddressNotAvailable), 4, "it cannot listen" },
            { new UnauthorizedAccessException("no access to /data"), 4, "no access to /data" },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_that_the_operator_can_cure_has_an_exit_code_and_no_stack_trace(
        Exception exception,
        int code,
        string text
    )
    {
        try
        {
            throw exception;
        }
        catch (Exception thrown)
        {
            var fault = StartFault.Of(thrown)!;
            Assert.Equal(code, fault.ExitCode);
            Assert.StartsWith("The scheduler did not start", fault.Text, StringComparison.Ordinal);
            Assert.EndsWith(
                text is "it cannot listen" or "port 5080 is taken" ? "." : text,
                fault.Text,
                StringComparison.Ordinal
            );
            Assert.Contains(text, fault.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", fault.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_bug_is_no_such_fault() => Assert.Null(StartFault.Of(new InvalidOperationException("a bug")));
}
