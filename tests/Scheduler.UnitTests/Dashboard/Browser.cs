using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>A minimal browser: it keeps cookies and sends forms with the tokens of their pages.</summary>
internal sealed partial class Browser : IDisposable
{
    /// <summary>A page that calls no grain and shows the notice of the previous action.</summary>
    public const string PlainPage = "/dashboard/failures";

    private readonly HttpClient _http;
    private readonly Uri _address;

    public Browser(DashboardFixture dashboard)
    {
        _address = dashboard.Address;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = Cookies };
        if (dashboard.HasTls)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) =>
                shown?.GetCertHashString() == dashboard.CertificateHash;
        }

        _http = new HttpClient(handler) { BaseAddress = dashboard.Address };
    }

    public CookieContainer Cookies { get; } = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async Task<Answer> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request);
    }

    /// <summary>Sends a form with the antiforgery token of a page.</summary>
    public async Task<Answer> PostAsync(string path, params (string Name, string Value)[] fields) =>
        await PostWithAsync(await TokenAsync(), path, fields);

    /// <summary>Sends a form with this antiforgery token; null sends none.</summary>
    public async Task<Answer> PostWithAsync(string? token, string path, params (string Name, string Value)[] fields)
    {
        var sent = fields.Select(field => KeyValuePair.Create(field.Name, field.Value));
        if (token is not null)
        {
            sent = sent.Append(new("__RequestVerificationToken", token));
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(sent) };
        return await SendAsync(request);
    }

    /// <summary>Sends any body.</summary>
    public async Task<Answer> PostAsync(string path, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        return await SendAsync(request);
    }

    /// <summary>Follows the redirect of an action.</summary>
    public async Task<Answer> FollowAsync(Answer action)
    {
        Assert.Equal(303, action.Status);
        return await GetAsync(action.Location);
    }

    public async Task<Answer> TrySignInAsync(string key, string back = "/dashboard") =>
        await PostAsync("/dashboard/session", ("key", key), ("return", back));

    public async Task SignInAsync(string token)
    {
        var answer = await TrySignInAsync(token);
        Assert.Equal((302, "/dashboard"), (answer.Status, answer.Location));
    }

    /// <summary>The antiforgery token of a page.</summary>
    public async Task<string> TokenAsync()
    {
        var page = await GetAsync(
            Cookies.GetCookies(new Uri(_address, "/dashboard"))["scheduler-session"] is null
                ? "/dashboard/sign-in"
                : PlainPage
        );
        var token = TokenField().Match(page.Text);
        Assert.True(token.Success, $"{page.Status} {page.Text}");
        return token.Groups["token"].Value;
    }

    /// <summary>Opens the live-update stream.</summary>
    public async Task<HttpResponseMessage> ListenAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/dashboard/live");
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        var isOpen = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        return new Answer(
            (int)response.StatusCode,
            isOpen ? "" : await response.Content.ReadAsStringAsync(Ct),
            response
                .Headers.Concat(response.Content.Headers)
                .ToDictionary(one => one.Key, one => string.Join('\n', one.Value), StringComparer.OrdinalIgnoreCase)
        );
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex TokenField();

    internal sealed partial record Answer(int Status, string Text, IReadOnlyDictionary<string, string> Headers)
    {
        public string Location => Headers.GetValueOrDefault("Location", "");

        public string RequestId => Headers.GetValueOrDefault("X-Request-Id", "");

        /// <summary>
        /// The answer without ids of <paramref name="subject"/> and without values that are new in every answer.
        /// </summary>
        public string WithoutIds(AccountResources subject) =>
            Fresh().Replace(subject.WithoutIds($"{Status} {Location} {Text}"), "~");

        // Values that are new in every answer: request ids, form ids and antiforgery tokens.
        [GeneratedRegex("req-[a-z2-7]{26}|ui-[a-z2-7]{20}|CfDJ8[A-Za-z0-9_-]+")]
        private static partial Regex Fresh();
    }
}
