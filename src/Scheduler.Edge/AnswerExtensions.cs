using Scheduler.Grains;

namespace Scheduler.Edge;

/// <summary>Converts a grain's answer to its value or an error.</summary>
internal static class AnswerExtensions
{
    /// <param name="resource">The resource as the caller named it.</param>
    /// <exception cref="ApiException">The answer is a refusal.</exception>
    public static T OrThrow<T>(this Answer<T> answer, string resource)
        where T : class => answer.IsOk ? answer.Value : throw new ApiException(ApiError.Of(answer.Refusal, resource));

    /// <summary>The wait ends with the caller's deadline.</summary>
    /// <param name="resource">The resource as the caller named it.</param>
    /// <exception cref="ApiException">The answer is a refusal.</exception>
    public static async Task<T> OrThrow<T>(
        this Task<Answer<T>> asked,
        string resource,
        CancellationToken cancellationToken
    )
        where T : class => (await asked.WaitAsync(cancellationToken)).OrThrow(resource);
}
