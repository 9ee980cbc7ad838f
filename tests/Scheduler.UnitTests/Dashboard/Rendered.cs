using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>Renders one component without a page.</summary>
internal static class Rendered
{
    public static async Task<string> HtmlAsync<TPart>(params (string Name, object? Value)[] parameters)
        where TPart : IComponent
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        return await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var given = ParameterView.FromDictionary(parameters.ToDictionary(one => one.Name, one => one.Value));
            return (await renderer.RenderComponentAsync<TPart>(given)).ToHtmlString();
        });
    }
}
