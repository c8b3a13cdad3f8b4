using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>Every store passes every rule; and the suite is able to find a store that does not.</summary>
public sealed class ObjectStoreConformanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Rules => [.. ObjectStoreConformance.Rules];

    public void Dispose() => _folder.Dispose();

    #region conformance-with-xunit
    [Theory]
    [MemberData(nameof(Rules))]
    public Task A_folder_conforms(string rule) => ObjectStoreConformance.CheckAsync(rule, () => new FolderObjectStore(_folder.Path));
    #endregion

    [Theory]
    [MemberData(nameof(Rules))]
    public Task Memory_conforms(string rule)
    {
        var store = new InMemoryObjectStore();
        return ObjectStoreConformance.CheckAsync(rule, () => store);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public Task A_folder_that_answers_a_byte_at_a_time_conforms(string rule) => ObjectStoreConformance.CheckAsync(rule, () =>
    {
        var slow = new FaultInjectingObjectStore(new FolderObjectStore(_folder.Path));
        slow.Sometimes(StoreFault.SlowRead, 0.05);
        return slow;
    });

    [Theory]
    [InlineData(Defect.IgnoresIfAbsent)]
    [InlineData(Defect.IgnoresIfMatch)]
    [InlineData(Defect.AnswersWrittenAlways)]
    [InlineData(Defect.OneETagForAll)]
    [InlineData(Defect.ListsBackwards)]
    [InlineData(Defect.ForgetsRanges)]
    [InlineData(Defect.RemovesNothing)]
    [InlineData(Defect.IgnoresCancellation)]
    [InlineData(Defect.DisposesContent)]
    [InlineData(Defect.AcceptsAnyPrefix)]
    public async Task A_store_with_a_defect_is_found(Defect defect)
    {
        var store = new DefectiveStore(new InMemoryObjectStore(), defect);
        var broken = new List<string>();
        foreach (string rule in ObjectStoreConformance.Rules)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await ObjectStoreConformance.CheckAsync(rule, () => store, patience.Token);
            }
            catch (Exception e) when (e is ObjectStoreConformanceException or OperationCanceledException)
            {
                broken.Add(rule);
                break;
            }
        }

        Assert.NotEmpty(broken);
    }

    [Fact]
    public async Task A_rule_that_is_none_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => ObjectStoreConformance.CheckAsync("no such rule", () => new InMemoryObjectStore()));
}
