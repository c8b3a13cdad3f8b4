using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>Every store passes every rule; and the suite is able to find a store that does not.</summary>
public sealed class ObjectStoreConformanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Rules => [.. ObjectStoreConformance.Rules];

    public static TheoryData<string> RulesUnderFaults => [.. ObjectStoreConformance.RulesUnderFaults];

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

    #region conformance-under-faults
    [Theory]
    [MemberData(nameof(RulesUnderFaults))]
    public Task A_folder_over_a_bad_connection_conforms(string rule) => ObjectStoreConformance.CheckUnderFaultsAsync(rule, () => new FolderObjectStore(_folder.Path));
    #endregion

    [Theory]
    [MemberData(nameof(RulesUnderFaults))]
    public Task Memory_over_a_bad_connection_conforms(string rule)
    {
        var store = new InMemoryObjectStore();
        return ObjectStoreConformance.CheckUnderFaultsAsync(rule, () => store);
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
    [InlineData(Defect.IgnoresIfAbsent, "A put if-absent is done once")]
    [InlineData(Defect.IgnoresIfMatch, "A put if-match needs the present ETag")]
    [InlineData(Defect.AnswersWrittenAlways, "A put if-absent is done once")]
    [InlineData(Defect.OneETagForAll, "A put replaces what was there")]
    [InlineData(Defect.OneETagForAll, "A touch changes the ETag and the time and leaves the bytes alone")]
    [InlineData(Defect.ETagIsTheContent, "A put of equal content makes the old ETag old")]
    [InlineData(Defect.ListsBackwards, "Objects are listed in ordinal order of their keys")]
    [InlineData(Defect.ListsAThousandOnly, "Thousands of objects are listed once each, page by page, while some go")]
    [InlineData(Defect.RefusesAfterThatIsNoKey, "A listing goes on after any text, a key or not")]
    [InlineData(Defect.LosesLongKeys, "Every legal key works, whatever it looks like")]
    [InlineData(Defect.CutsLargeObjects, "An object of many blocks comes back byte for byte, whole and in parts")]
    [InlineData(Defect.ForgetsRanges, "A range gives exactly its bytes")]
    [InlineData(Defect.NullAtTheEnd, "Ranges around the edges of blocks give exactly their bytes")]
    [InlineData(Defect.RemovesNothing, "What is removed is gone, and its key can be used again")]
    [InlineData(Defect.IgnoresCancellation, "A call that is cancelled beforehand has no effect")]
    [InlineData(Defect.IgnoresCancellation, "A put that is cancelled on its way leaves what was there")]
    [InlineData(Defect.IgnoresCancellation, "A listing and a reading that are cancelled on their way end so")]
    [InlineData(Defect.DisposesContent, "Content is read from its current position and is not disposed")]
    [InlineData(Defect.AcceptsAnyPrefix, "A prefix that no key can have is refused")]
    [InlineData(Defect.KeepsHalf, "A put whose content fails anywhere leaves what was there")]
    [InlineData(Defect.KeepsHalf, "A put that is cancelled on its way leaves what was there")]
    [InlineData(Defect.TouchFindsAll, "A touch of what is absent answers false and makes nothing")]
    [InlineData(Defect.TouchFindsAll, "Of a touch and a removal by the ETag at once exactly one is done")]
    [InlineData(Defect.TouchDoesNothing, "A touch changes the ETag and the time and leaves the bytes alone")]
    [InlineData(Defect.TouchDoesNothing, "After a touch a removal or a put by the old ETag is not done")]
    [InlineData(Defect.TouchDoesNothing, "A touch by another handle is seen")]
    [InlineData(Defect.UploadIsVisibleEarly, "An upload is invisible until it is completed, and then whole")]
    [InlineData(Defect.UploadForgets, "An upload that was left goes on behind its durable parts")]
    [InlineData(Defect.UploadNeverAbandons, "An upload that is abandoned starts anew")]
    [InlineData(Defect.UploadIgnoresConditions, "An upload is completed only when its condition holds")]
    [InlineData(Defect.OneUploadForAll, "An upload of another id or key has nothing of this one")]
    [InlineData(Defect.StageKeepsAll, "Staged content without an id goes with its disposal, with an id it stays")]
    [InlineData(Defect.StageKeepsAll, "Staged content is invisible until it is published, and then whole")]
    public Task A_store_with_a_defect_is_found_by_the_rule_that_it_breaks(Defect defect, string rule) =>
        ExpectFoundAsync(defect, (store, patience) => ObjectStoreConformance.CheckAsync(rule, () => store, patience));

    [Theory]
    [InlineData(Defect.KeepsHalf, "A put that fails leaves what was there, and a retry converges")]
    [InlineData(Defect.KeepsHalf, "Readers never see a mixture while writers fail")]
    [InlineData(Defect.IgnoresIfAbsent, "Whether a put whose answer was lost was done is told by reading back")]
    [InlineData(Defect.RemovesNothing, "A removal or a touch whose answer was lost converges when it is repeated")]
    [InlineData(Defect.TouchDoesNothing, "A removal or a touch whose answer was lost converges when it is repeated")]
    [InlineData(Defect.CutsLargeObjects, "Bytes come whole over a connection that is slow both ways")]
    [InlineData(Defect.ETagIsNewEachTime, "A read that breaks or is torn changes nothing and a second one is whole")]
    [InlineData(Defect.ListsBackwards, "A listing that breaks off goes on after the last key that came")]
    [InlineData(Defect.IgnoresIfMatch, "Increments by compare-and-swap are exact over a bad connection")]
    [InlineData(Defect.UploadIsVisibleEarly, "An upload over a bad connection goes on and ends whole")]
    public Task A_store_with_a_defect_is_found_by_the_rule_under_faults_that_it_breaks(Defect defect, string rule) =>
        ExpectFoundAsync(defect, (store, patience) => ObjectStoreConformance.CheckUnderFaultsAsync(rule, () => store, patience));

    [Fact]
    public async Task A_rule_that_is_none_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => ObjectStoreConformance.CheckAsync("no such rule", () => new InMemoryObjectStore()));

    private static async Task ExpectFoundAsync(Defect defect, Func<IObjectStore, CancellationToken, Task> check)
    {
        var store = new DefectiveStore(new InMemoryObjectStore(), defect);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        Exception? found = await Record.ExceptionAsync(() => check(store, patience.Token));
        Assert.True(found is ObjectStoreConformanceException or OperationCanceledException or MlopsStorageException, $"The rule holds though the store has the defect {defect}: {found}");
    }
}
