using FsCheck;
using FsCheck.Xunit;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Scheduler.Dashboard.Shell;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class NoticesTests
{
    /// <summary>Bytes that browsers accept for one cookie, name and value together.</summary>
    private const int LongestCookie = 4096;

    private static readonly Notice Refused = new(false, "It was refused.", "Try again.", "NOT_FOUND", "req-a");

    private readonly Notices _notices = new(new EphemeralDataProtectionProvider());

    [Fact]
    public void A_notice_is_shown_on_the_next_page_and_then_removed()
    {
        var next = Next(Leave(Refused));
        Assert.Equal(Refused, _notices.Take(next));
        var cookie = CookieOf(next);
        Assert.Equal("", cookie.Value.ToString());
        Assert.True(cookie.Expires < DateTimeOffset.UnixEpoch.AddDays(1));
        Assert.Equal("/dashboard", cookie.Path.ToString());
    }

    [Fact]
    public void The_notice_cookie_is_HttpOnly_same_site_sealed_and_short_lived()
    {
        var cookie = Leave(Refused);
        Assert.True(cookie.HttpOnly);
        Assert.Equal(Microsoft.Net.Http.Headers.SameSiteMode.Strict, cookie.SameSite);
        Assert.Equal("/dashboard", cookie.Path.ToString());
        Assert.Equal(TimeSpan.FromMinutes(1), cookie.MaxAge);
        Assert.False(cookie.Secure);
        Assert.True(Leave(Refused, http => http.Request.Scheme = "https").Secure);
        Assert.DoesNotContain("refused", cookie.Value.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Property]
    public void A_tampered_cookie_gives_no_notice(int at, char letter)
    {
        var cookie = Leave(Refused);
        var text = cookie.Value.ToString().ToCharArray();
        var place = Math.Abs(at % text.Length);
        var other =
            letter is >= 'A' and <= 'z' && letter != text[place] ? letter
            : text[place] == 'A' ? 'B'
            : 'A';

        // The last character of a base64 text may contain unused bits.
        if (place < text.Length - 1)
        {
            text[place] = other;
            Assert.Null(_notices.Take(Next(cookie, new string(text))));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("not*base64")]
    [InlineData("{\"IsGood\":true}")]
    public void An_unsealed_cookie_gives_no_notice(string text) =>
        Assert.Null(_notices.Take(Next(Leave(Refused), text)));

    [Fact]
    public void A_cookie_sealed_for_another_purpose_or_process_gives_no_notice()
    {
        var keys = new EphemeralDataProtectionProvider();
        var own = new Notices(keys);
        var foreign = keys.CreateProtector("sessions").Protect("""{"IsGood":true,"Text":"Done.","RequestId":"r"}""");
        Assert.Null(own.Take(Next(Leave(Refused), foreign)));
        Assert.Null(own.Take(Next(Leave(Refused))));
    }

    [Fact]
    public void A_request_without_a_notice_sets_no_cookie()
    {
        var http = new DefaultHttpContext();
        Assert.Null(_notices.Take(http));
        Assert.Equal(0, http.Response.Headers.SetCookie.Count);
    }

    [Fact]
    public void Long_texts_are_cut_and_marked()
    {
        var taken = TakenAfterLeaving(Refused with { Text = new string('a', 5000), Hint = null })!;
        Assert.Equal(new string('a', 1500) + "…", taken.Text);
        Assert.Equal("req-a", taken.RequestId);
    }

    [Property]
    public void Every_notice_fits_into_one_cookie(NonNull<string> text, string? hint, PositiveInt times)
    {
        var notice = Refused with
        {
            Text = Repeat(text.Get, times.Get),
            Hint = hint is null ? null : Repeat(hint, times.Get),
        };
        AssertKept(notice);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\"")]
    [InlineData("→")]
    [InlineData("⛵")]
    public void A_long_text_of_any_characters_fits_into_one_cookie(string letter)
    {
        var notice = Refused with { Text = Repeat(letter, 3000), Hint = Repeat(letter, 3000) };
        AssertKept(notice);
        Assert.StartsWith(letter, TakenAfterLeaving(notice)!.Text);
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private void AssertKept(Notice notice)
    {
        var cookie = Leave(notice);
        Assert.InRange(cookie.Name.Length + 1 + cookie.Value.Length, 1, LongestCookie);
        var taken = _notices.Take(Next(cookie));
        Assert.Equal((notice.IsGood, notice.Code, notice.RequestId), (taken!.IsGood, taken.Code, taken.RequestId));
    }

    private Notice? TakenAfterLeaving(Notice notice) => _notices.Take(Next(Leave(notice)));

    private SetCookieHeaderValue Leave(Notice notice, Action<HttpContext>? prepare = null)
    {
        var http = new DefaultHttpContext();
        prepare?.Invoke(http);
        _notices.Leave(http, notice);
        return CookieOf(http);
    }

    private static SetCookieHeaderValue CookieOf(HttpContext http) =>
        SetCookieHeaderValue.Parse(Assert.Single(http.Response.Headers.SetCookie));

    /// <summary>The request for the next page.</summary>
    private static DefaultHttpContext Next(SetCookieHeaderValue cookie, string? value = null)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Cookie = $"{cookie.Name}={value ?? cookie.Value.ToString()}";
        return http;
    }
}
