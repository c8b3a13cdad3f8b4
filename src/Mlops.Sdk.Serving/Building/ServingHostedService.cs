using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mlops.Sdk.Serving;

/// <summary>Loads the declared models when the host starts, and drains them when it stops.</summary>
internal sealed class ServingHostedService(IServiceProvider services, IEnumerable<DeclaredModel> declared) : IHostedService
{
    private readonly DeclaredModel[] _declared = [.. declared];
    private ModelServer? _server;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_declared.Length == 0)
        {
            return; // nothing to load: the server is made when somebody asks for it
        }

        // made here and not by the container, so that services that open when the host starts are open
        _server = services.GetRequiredService<ModelServer>();
        foreach (DeclaredModel model in _declared)
        {
            model.Declare(_server);
        }

        // a model that cannot be loaded is not ready; it does not stop the host
        await _server.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync().WaitAsync(cancellationToken) ?? Task.CompletedTask;
}
