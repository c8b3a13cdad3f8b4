using System.Text;
using Azure.Core;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mlops.Sdk.Azure.Tests.Emulator;

namespace Mlops.Sdk.Azure.Tests.Building;

/// <summary>A workspace in a container, by itself and in a host.</summary>
public sealed class WorkspaceTests(Azurite azurite)
{
    [Fact]
    public async Task What_one_workspace_registers_and_promotes_another_one_on_the_same_container_sees()
    {
        string connectionString = azurite.ConnectionString;
        string container = azurite.NewName();

        #region azure-workspace
        var store = new AzureBlobObjectStore(connectionString, container);
        await using MlopsWorkspace workspace = await MlopsWorkspace.OpenAsync(store);
        #endregion

        using var bytes = new MemoryStream(Encoding.UTF8.GetBytes("a model"));
        ArtifactInfo file = await workspace.Artifacts.WriteAsync(bytes);
        var manifest = new ModelManifest
        {
            Model = "taxi-fare",
            ModelFormat = "mlnet",
            Algorithm = "none",
            Files = [new ModelFile("model.zip", file.Digest, file.Length)],
            Schema = new ModelSchema(ModelTask.Binary, [new ModelInput("Distance", InputKind.Number, "Distance")], ["Score"], "Damage"),
        };
        ModelVersion version = await workspace.Registry.RegisterAsync(manifest, "trained");
        await workspace.Registry.MoveAliasAsync("taxi-fare", MlopsWorkspace.Champion, version.Number, "the first one", expected: 0);

        await using MlopsWorkspace other = await MlopsWorkspace.OpenAsync(new AzureBlobObjectStore(connectionString, container));
        ModelVersion? champion = await other.Registry.FindAliasAsync("taxi-fare", MlopsWorkspace.Champion);
        Assert.Equal(1, champion?.Number);
        Assert.Equal("a model"u8.ToArray(), await other.Artifacts.ReadAsync(file.Digest, 100));
        await Assert.ThrowsAsync<MlopsConflictException>(async () => await other.Registry.MoveAliasAsync("taxi-fare", MlopsWorkspace.Champion, 1, "from nowhere", expected: 9));
        Assert.True((await other.Ledger.VerifyAsync()).Ok);
    }

    [Fact]
    public async Task A_host_keeps_its_workspace_in_a_container()
    {
        string connectionString = azurite.ConnectionString;
        string name = azurite.NewName();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();

        #region azure-connection-string
        builder.Services.AddMlops(mlops => mlops.UseAzureBlobs(connectionString, name, options =>
        {
            options.Prefix = "team-one";
            options.BlockSize = 4 << 20;
        }));
        #endregion

        #region azure-poll
        builder.Services.Configure<MlopsOptions>(options => options.PollInterval = TimeSpan.FromSeconds(5));
        #endregion

        using IHost host = builder.Build();
        await host.StartAsync();
        Assert.IsType<AzureBlobObjectStore>(host.Services.GetRequiredService<IObjectStore>());
        ILedger ledger = host.Services.GetRequiredService<ILedger>();
        await ledger.AppendAsync([new LedgerDraft("test.happened", new LedgerResource("thing", "t"), "to see", System.Text.Json.JsonDocument.Parse("{}").RootElement)]);
        await host.StopAsync();
        var blobs = await new BlobContainerClient(connectionString, name).GetBlobsAsync(cancellationToken: TestContext.Current.CancellationToken).ToArrayAsync();
        Assert.NotEmpty(blobs);
        Assert.All(blobs, b => Assert.StartsWith("team-one/", b.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void The_last_store_that_is_set_counts_whichever_way_it_is_made()
    {
        var services = new ServiceCollection();
        TokenCredential credential = new NoCredential();
        services.AddMlops(mlops =>
        {
            #region azure-credential
            mlops.UseAzureBlobs(new Uri("https://account.blob.core.windows.net/mlops"), credential);
            #endregion
        });
        using (ServiceProvider provider = services.BuildServiceProvider())
        {
            Assert.Equal("blob container account.blob.core.windows.net/mlops", provider.GetRequiredService<IObjectStore>().Description);
        }

        string connectionString = azurite.ConnectionString;
        services.AddMlops(mlops =>
        {
            #region azure-client
            var clientOptions = new BlobClientOptions();
            clientOptions.Retry.MaxRetries = 8;
            clientOptions.Retry.NetworkTimeout = TimeSpan.FromSeconds(20);
            mlops.UseAzureBlobs(new BlobContainerClient(connectionString, "models", clientOptions));
            #endregion
        });
        using ServiceProvider again = services.BuildServiceProvider();
        Assert.EndsWith("/mlops/models", again.GetRequiredService<IObjectStore>().Description, StringComparison.Ordinal);
        Assert.Single(again.GetServices<IObjectStore>());
    }

    [Fact]
    public async Task A_wrong_option_stops_the_host_when_it_starts()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddMlops(mlops => mlops.UseAzureBlobs(azurite.ConnectionString, azurite.NewName(), options => (options.BlockSize, options.Prefix) = (5, "A/")));
        using IHost host = builder.Build();
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains("BlockSize", error.Message, StringComparison.Ordinal);
        Assert.Contains("Prefix", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Artifacts_of_a_hundred_megabytes_go_in_and_out_with_their_digest()
    {
        const int length = 100_000_000;
        byte[] bytes = Storage.Objects.Noise(length);
        var artifacts = new ArtifactStore(azurite.NewStore());
        using var content = new MemoryStream(bytes);
        ArtifactInfo info = await artifacts.WriteAsync(content);
        Assert.Equal(new ArtifactInfo(Digest.Of(bytes), length), info);
        await using Stream stream = await artifacts.OpenAsync(info.Digest);
        byte[] found = new byte[length];
        await stream.ReadExactlyAsync(found);
        Assert.Equal(0, await stream.ReadAsync(new byte[1])); // verified at the end
        Assert.True(bytes.AsSpan().SequenceEqual(found));
    }

    private sealed class NoCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
