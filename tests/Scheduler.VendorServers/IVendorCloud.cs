namespace Scheduler.VendorServers;

/// <summary>A vendor as a function from requests to answers, so that a test can call it without a socket.</summary>
public interface IVendorCloud
{
    Task<VendorReply> AnswerAsync(VendorRequest request, CancellationToken cancellationToken);
}
