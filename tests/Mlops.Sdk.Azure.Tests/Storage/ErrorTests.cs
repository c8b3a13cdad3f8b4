using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Mlops.Sdk.Azure.Tests.Emulator;
using static Mlops.Sdk.Azure.Tests.Storage.Objects;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>What goes wrong at the service is told in the words of stores, with what to do and without secrets.</summary>
public sealed class ErrorTests(Azurite azurite)
{
    [Fact]
    public async Task A_wrong_key_is_access_denied_and_no_message_tells_it()
    {
        string wrong = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));
        string name = azurite.NewName();
        var store = new AzureBlobObjectStore(azurite.ConnectionString.Replace(azurite.Key, wrong, StringComparison.Ordinal), name);
        foreach (Func<Task> call in Calls(store))
        {
            MlopsStorageException error = await FailsAsync("store.access_denied", call);
            Assert.Contains("Storage Blob Data Contributor", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(wrong, error.ToString(), StringComparison.Ordinal);
        }

        Assert.DoesNotContain(wrong, store.Description, StringComparison.Ordinal);
        Assert.EndsWith($"/mlops/{name}", store.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_that_allows_reading_only_reads_and_is_not_told_in_messages()
    {
        string name = azurite.NewName();
        var container = new BlobContainerClient(azurite.ConnectionString, name);
        await new AzureBlobObjectStore(container).PutAsync("k", "old");
        Uri address = container.GenerateSasUri(BlobContainerSasPermissions.Read | BlobContainerSasPermissions.List, TimeProvider.System.GetUtcNow().AddHours(1));
        var store = new AzureBlobObjectStore(new BlobContainerClient(address));
        Assert.Equal("old", await store.TextAsync("k"));
        Assert.Single(await store.ListAsync("").ToArrayAsync());
        MlopsStorageException error = await FailsAsync("store.access_denied", () => store.PutAsync("k", "new"));
        string signature = address.Query.Split("sig=")[1].Split('&')[0];
        Assert.DoesNotContain(signature, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(signature, store.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_that_is_not_there_is_an_error_and_not_an_empty_store_unless_it_may_be_made()
    {
        string name = azurite.NewName();
        var strict = new AzureBlobObjectStore(azurite.ConnectionString, name, new AzureBlobOptions { CreateContainer = false });
        foreach (Func<Task> call in Calls(strict))
        {
            Assert.Contains("CreateContainer", (await FailsAsync("store.no_container", call)).Message, StringComparison.Ordinal);
        }

        Assert.Null(await new AzureBlobObjectStore(azurite.ConnectionString, name).HeadAsync(ObjectKey.Parse("k"))); // made at the first call, whatever it is
        foreach (Func<Task> call in Calls(strict))
        {
            await call();
        }
    }

    [Fact]
    public async Task A_container_that_goes_away_is_not_made_anew()
    {
        string name = azurite.NewName();
        var store = new AzureBlobObjectStore(azurite.ConnectionString, name);
        await store.PutAsync("k", "old");
        await new BlobContainerClient(azurite.ConnectionString, name).DeleteAsync();
        foreach (Func<Task> call in Calls(store))
        {
            Assert.Contains("was there before", (await FailsAsync("store.no_container", call)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_that_is_gone_is_unavailable()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        foreach (Func<Task> call in Calls(StoreAt(port)))
        {
            await FailsAsync("store.unavailable", call);
        }
    }

    [Fact]
    public async Task A_server_that_never_answers_is_unavailable_after_the_clients_patience_and_can_be_left_before()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(); // takes connections in and says nothing
        AzureBlobObjectStore store = StoreAt(((IPEndPoint)listener.LocalEndpoint).Port);
        await FailsAsync("store.unavailable", async () => await store.HeadAsync(ObjectKey.Parse("k")));
        await FailsAsync("store.unavailable", () => store.PutAsync("k", "x"));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await StoreAt(((IPEndPoint)listener.LocalEndpoint).Port, TimeSpan.FromMinutes(1)).HeadAsync(ObjectKey.Parse("k"), stop.Token));
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, "ServerBusy", "store.unavailable")]
    [InlineData(HttpStatusCode.TooManyRequests, null, "store.unavailable")]
    [InlineData(HttpStatusCode.InternalServerError, "OperationTimedOut", "store.unavailable")]
    [InlineData(HttpStatusCode.InsufficientStorage, null, "store.full")]
    [InlineData(HttpStatusCode.Conflict, "AccountQuotaExceeded", "store.full")]
    [InlineData(HttpStatusCode.Forbidden, "AuthorizationPermissionMismatch", "store.access_denied")]
    [InlineData(HttpStatusCode.Unauthorized, "InvalidAuthenticationInfo", "store.access_denied")]
    [InlineData(HttpStatusCode.Conflict, "BlobImmutableDueToPolicy", "store.access_denied")]
    [InlineData(HttpStatusCode.Conflict, "BlobArchived", "store.unavailable")]
    [InlineData(HttpStatusCode.Conflict, "InvalidBlobType", "store.invalid_key")]
    [InlineData(HttpStatusCode.Conflict, "ContainerBeingDeleted", "store.no_container")]
    [InlineData(HttpStatusCode.BadRequest, "InvalidHeaderValue", "store.unavailable")]
    [InlineData(HttpStatusCode.NotFound, null, "store.unavailable")] // something that is no blob service: not an absent object
    [InlineData(HttpStatusCode.OK, null, "store.unavailable")]
    public async Task What_the_service_answers_has_its_code(HttpStatusCode status, string? said, string code)
    {
        using var answers = new Canned(status, said);
        using var http = new HttpClient(answers);
        BlobClientOptions options = Azurite.Client();
        options.Retry.MaxRetries = 1;
        options.Transport = new HttpClientTransport(http);
        var store = new AzureBlobObjectStore(azurite.ConnectionString, "container", new AzureBlobOptions { Client = options });
        MlopsStorageException error = await FailsAsync(code, async () => await store.OpenAsync(ObjectKey.Parse("k")));
        Assert.DoesNotContain(azurite.Key, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_not_the_services_is_unavailable()
    {
        using var answers = new Canned(HttpStatusCode.NotFound, null, "<html><br>a proxy's page");
        using var http = new HttpClient(answers);
        var store = new AzureBlobObjectStore(azurite.ConnectionString, "container", new AzureBlobOptions { Client = new BlobClientOptions { Transport = new HttpClientTransport(http) } });
        await FailsAsync("store.unavailable", async () => await store.OpenAsync(ObjectKey.Parse("k")));
    }

    [Fact]
    public async Task A_credential_signs_requests_to_the_address()
    {
        using var answers = new Canned(HttpStatusCode.NotFound, "BlobNotFound");
        using var http = new HttpClient(answers);
        var options = new AzureBlobOptions { Client = new BlobClientOptions { Transport = new HttpClientTransport(http) }, Prefix = "team/one" };
        var store = new AzureBlobObjectStore(new Uri("https://account.blob.core.windows.net/mlops"), new FixedCredential(), options);
        Assert.Null(await store.ReadAsync("a/b"));
        HttpRequestMessage request = Assert.Single(answers.Requests);
        Assert.Equal("https://account.blob.core.windows.net/mlops/team/one/a/b", request.RequestUri!.AbsoluteUri.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
        Assert.Equal("Bearer the-token", $"{request.Headers.Authorization}");
        Assert.Equal("blob container account.blob.core.windows.net/mlops below 'team/one/'", store.Description);
    }

    [Fact]
    public void A_connection_string_that_does_not_read_is_refused_and_not_repeated()
    {
        foreach (string text in new[] { "AccountName=a;AccountKey=secret", "secret", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=se*cret;EndpointSuffix=x" })
        {
            MlopsException error = Assert.Throws<MlopsException>(() => new AzureBlobObjectStore(text, "container"));
            Assert.Equal("store.invalid_option", error.Code);
            Assert.DoesNotContain("cret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("UPPER")]
    [InlineData("ab")]
    [InlineData("a--b")]
    [InlineData("-abc")]
    [InlineData("a/b")]
    [InlineData("../x")]
    [InlineData("$logs")]
    public void A_name_that_is_no_containers_is_refused(string name) =>
        Assert.Equal("store.invalid_option", Assert.Throws<MlopsException>(() => new AzureBlobObjectStore(azurite.ConnectionString, name)).Code);

    [Theory]
    [InlineData("http://account.blob.core.windows.net/mlops")]
    [InlineData("https://account.blob.core.windows.net/mlops?sig=x")]
    [InlineData("https://account.blob.core.windows.net/")]
    [InlineData("relative/address")]
    public void An_address_that_is_none_of_a_container_is_refused(string address) =>
        Assert.Equal("store.invalid_option", Assert.Throws<MlopsException>(() => new AzureBlobObjectStore(new Uri(address, UriKind.RelativeOrAbsolute), new FixedCredential())).Code);

    [Theory]
    [InlineData(0, 4, "")]
    [InlineData(1 << 27, 4, "")]
    [InlineData(1 << 20, 0, "")]
    [InlineData(1 << 20, 65, "")]
    [InlineData(1 << 20, 4, "a/")]
    [InlineData(1 << 20, 4, "../a")]
    [InlineData(1 << 20, 4, "A")]
    public void An_option_out_of_its_range_is_refused(int blockSize, int parallelism, string prefix)
    {
        var options = new AzureBlobOptions { BlockSize = blockSize, Parallelism = parallelism, Prefix = prefix };
        Assert.Equal("store.invalid_option", Assert.Throws<MlopsException>(() => new AzureBlobObjectStore(azurite.ConnectionString, "container", options)).Code);
    }

    private static Func<Task>[] Calls(AzureBlobObjectStore store) =>
    [
        async () => await store.HeadAsync(ObjectKey.Parse("k")),
        async () => await store.ReadAsync("k"),
        async () => await store.ListAsync("").ToArrayAsync(),
        async () => await store.DeleteAsync(ObjectKey.Parse("absent")),
        async () => await store.TouchAsync(ObjectKey.Parse("absent")),
        async () => await store.PutAsync("k", "x"),
        async () => await (await store.OpenUploadAsync(ObjectKey.Parse("k"), "id"))!.DisposeAsync(),
    ];

    private AzureBlobObjectStore StoreAt(int port, TimeSpan? patience = null)
    {
        BlobClientOptions options = Azurite.Client();
        options.Retry.MaxRetries = 1;
        options.Retry.NetworkTimeout = patience ?? TimeSpan.FromMilliseconds(200);
        string at = $"DefaultEndpointsProtocol=http;AccountName=mlops;AccountKey={azurite.Key};BlobEndpoint=http://127.0.0.1:{port}/mlops;";
        return new AzureBlobObjectStore(at, "container", new AzureBlobOptions { Client = options });
    }

    private sealed class FixedCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new("the-token", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }
}
