using System.Globalization;
using System.Net;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Mlops.Sdk.Azure.Tests.Emulator;
using static Mlops.Sdk.Azure.Tests.Storage.Objects;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>Listing by pages, from anywhere, among blobs of others.</summary>
public sealed class ListingTests(Azurite azurite)
{
    [Fact]
    public async Task A_long_listing_comes_in_pages_and_one_that_begins_near_the_end_in_one()
    {
        const int count = 620; // more than the first page
        var requests = new Requests();
        AzureBlobObjectStore store = azurite.NewStore(new AzureBlobOptions { Prefix = "w", Client = Azurite.Client(requests) });
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await store.PutAsync(Name(i), "x"));
        requests.Clear();
        Assert.Equal(Enumerable.Range(0, count).Select(Name), (await store.ListAsync("n/").ToArrayAsync()).Select(o => o.Key.Value));
        Assert.Equal(2, requests.All.Length);
        requests.Clear();
        Assert.Equal([Name(count - 2), Name(count - 1)], (await store.ListAsync("n/", Name(count - 3)).ToArrayAsync()).Select(o => o.Key.Value));
        Assert.Contains("startFrom", Assert.Single(requests.All), StringComparison.OrdinalIgnoreCase);
        requests.Clear();
        Assert.Empty(await store.ListAsync("n/", "z").ToArrayAsync());
        Assert.Empty(requests.All);

        static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"n/{i:D6}");
    }

    [Fact]
    public async Task Blobs_of_others_are_not_listed()
    {
        string name = azurite.NewName();
        var container = new BlobContainerClient(azurite.ConnectionString, name);
        await container.CreateAsync();
        foreach (string foreign in new[] { "Upper", "w/Upper", "w/a b", "w/a%2e", "w/../x", "wx/y" })
        {
            await container.UploadBlobAsync(foreign, new BinaryData("x"));
        }

        var store = new AzureBlobObjectStore(container, new AzureBlobOptions { Prefix = "w" });
        await store.PutAsync("a", "x");
        Assert.Equal("a", Assert.Single(await store.ListAsync("").ToArrayAsync()).Key.Value);
    }

    [Fact]
    public async Task A_container_can_hold_a_name_and_what_is_below_it()
    {
        AzureBlobObjectStore store = azurite.NewStore();
        await store.PutAsync("a", "name");
        await store.PutAsync("a/b", "below");
        Assert.Equal(["a", "a/b"], (await store.ListAsync("").ToArrayAsync()).Select(o => o.Key.Value));
    }

    [Fact]
    public async Task A_service_that_lists_in_another_order_is_refused()
    {
        const string item = "<Blob><Name>{0}</Name><Properties><Content-Length>1</Content-Length><Etag>0x1</Etag><Last-Modified>Wed, 25 Nov 2026 10:00:00 GMT</Last-Modified><BlobType>BlockBlob</BlobType></Properties></Blob>";
        string body = $"<?xml version=\"1.0\"?><EnumerationResults><Blobs>{string.Concat(new[] { "a/1", "a-1" }.Select(n => string.Format(CultureInfo.InvariantCulture, item, n)))}</Blobs><NextMarker/></EnumerationResults>";
        using var answers = new Canned(HttpStatusCode.OK, null, body);
        using var http = new HttpClient(answers);
        var options = new BlobClientOptions { Transport = new HttpClientTransport(http) };
        var store = new AzureBlobObjectStore(azurite.ConnectionString, "container", new AzureBlobOptions { Client = options });
        await FailsAsync("store.unordered", async () => await store.ListAsync("").ToArrayAsync());
    }
}

/// <summary>Answers everything with the same.</summary>
internal sealed class Canned(HttpStatusCode status, string? code, string? body = null) : HttpMessageHandler
{
    internal List<HttpRequestMessage> Requests { get; } = [];

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add(request);
#pragma warning disable CA2000 // the client disposes it
        var answer = new HttpResponseMessage(status) { Content = new StringContent(body ?? (code is null ? "<html/>" : $"<Error><Code>{code}</Code><Message>as the test wants</Message></Error>"), System.Text.Encoding.UTF8, "application/xml") };
#pragma warning restore CA2000
        if (code is not null)
        {
            answer.Headers.Add("x-ms-error-code", code);
        }

        return Task.FromResult(answer);
    }
}
