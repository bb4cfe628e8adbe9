# Which configurations must catch each planted defect, and what the message must contain.
#
#   forward reverse random  the plain build, in that order of threads     lazy  streams as late as allowed
#   asan                    AddressSanitizer and UBSan                    racecheck  the race checker
#
# Each configuration runs in the build that has it; what is not listed may miss the defect.
# `sound` names a program without a mistake, which no configuration may find fault with.
set(plain forward reverse random)
set(everywhere ${plain} lazy asan racecheck)
set(wrong "wrong result: element")
set(nan "wrong result: element [0-9]+ is -?nan")

# missing barriers and races
defect(no_barrier_reads_next CAUGHT_BY ${everywhere} PLAIN "${wrong}" RACECHECK "nobody has written")
defect(no_barrier_reads_previous CAUGHT_BY ${everywhere} PLAIN "${wrong}" RACECHECK "nobody has written")
defect(no_second_barrier_in_loop CAUGHT_BY ${everywhere} PLAIN "${wrong}" RACECHECK "race in shared memory")
defect(no_syncwarp_in_tree CAUGHT_BY forward random asan racecheck PLAIN "${wrong} 0 is [0-9.]+, not 496" RACECHECK "race in shared memory")
defect(no_barrier_in_last_warp CAUGHT_BY forward random asan racecheck PLAIN "${wrong} 0 is [0-9.]+, not 256" RACECHECK "race in shared memory")
defect(counter_without_atomic CAUGHT_BY racecheck RACECHECK "race in global memory")
defect(block_reads_other_block CAUGHT_BY reverse random racecheck PLAIN "${wrong}" RACECHECK "race in global memory")
defect(all_write_one_word CAUGHT_BY reverse random racecheck PLAIN "${wrong}" RACECHECK "race in shared memory")
defect(shuffle_as_memory_barrier CAUGHT_BY racecheck RACECHECK "race in shared memory")
defect(copy_without_wait CAUGHT_BY forward random lazy asan racecheck PLAIN "${nan}")
defect(copy_into_buffer_in_use CAUGHT_BY ${plain} racecheck PLAIN "${wrong}" RACECHECK "race in shared memory")
sound(sound_read_next)
sound(sound_sum_in_warp)
sound(sound_refill)

# memory out of bounds, freed
defect(global_read_past_end CAUGHT_BY asan ASAN "heap-buffer-overflow")
defect(global_write_past_end CAUGHT_BY asan ASAN "heap-buffer-overflow")
defect(global_read_before_begin CAUGHT_BY asan ASAN "heap-buffer-overflow")
defect(global_write_far_away CAUGHT_BY ${everywhere} PLAIN "segmentation fault")
defect(use_after_free CAUGHT_BY asan ASAN "heap-use-after-free")
defect(shared_write_past_end CAUGHT_BY ${everywhere} PLAIN "out of bounds of shared 's'" ASAN "out of bounds for type")
defect(shared_read_past_end CAUGHT_BY asan racecheck ASAN "out of bounds" RACECHECK "nobody has written")
defect(shared_row_overrun CAUGHT_BY asan ASAN "out of bounds")
defect(dynamic_shared_too_small CAUGHT_BY ${everywhere} PLAIN "out of bounds of shared 'dynamic_shared'"
  ASAN "use-after-poison")
sound(sound_read_all)
sound(sound_fill_dynamic)

# divergence
defect(half_the_warp_skips_barrier CAUGHT_BY ${everywhere} PLAIN "exited while|already exited")
defect(barriers_in_both_branches CAUGHT_BY ${everywhere} PLAIN "divergent barrier")
defect(early_return_before_barrier CAUGHT_BY ${everywhere} PLAIN "exited while|already exited")
defect(warps_pass_unequal_barriers CAUGHT_BY ${everywhere} PLAIN "exited while|already exited")
defect(full_mask_in_divergent_code CAUGHT_BY ${everywhere} PLAIN "names lanes that have exited")
defect(shuffle_reads_lane_outside_mask CAUGHT_BY ${everywhere} PLAIN "which does not take part")
defect(caller_not_in_mask CAUGHT_BY ${everywhere} PLAIN "does not name that lane")
sound(sound_barrier)

# uninitialised and misaligned memory
defect(uninitialised_shared CAUGHT_BY ${everywhere} PLAIN "${wrong} 7 is -?nan" RACECHECK "nobody has written")
defect(uninitialised_shared_masked CAUGHT_BY racecheck RACECHECK "nobody has written")
defect(shared_left_by_other_block CAUGHT_BY ${everywhere} PLAIN "${nan}" RACECHECK "nobody has written")
defect(uninitialised_global CAUGHT_BY ${everywhere} PLAIN "${nan}")
defect(misaligned_shared_float4 CAUGHT_BY asan ASAN "misaligned address")
defect(misaligned_global_float4 CAUGHT_BY asan ASAN "misaligned address")
defect(misaligned_load_vector CAUGHT_BY ${everywhere} PLAIN "not a multiple of 16 bytes")
sound(sound_fill_shared)

# host and streams
defect(host_reads_device_pointer CAUGHT_BY asan ASAN "use-after-poison")
defect(no_synchronisation_before_read CAUGHT_BY lazy PLAIN "${wrong} 5 is -1[.0]+, not 1")
defect(pinned_source_overwritten CAUGHT_BY lazy PLAIN "${wrong} 0 is 100[.0]+, not 2")
defect(two_streams_no_event CAUGHT_BY lazy PLAIN "${wrong} [0-9]+ is 1[.0]+, not 2")
sound(sound_read_back)
sound(sound_two_streams)

# limits
defect(block_of_2048_threads CAUGHT_BY ${everywhere} PLAIN "a block has 1 to 1024 threads")
defect(static_shared_of_64_kb CAUGHT_BY ${everywhere} PLAIN "bytes of static shared memory")
defect(no_mapping_for_guard_page CAUGHT_BY forward PLAIN "no guard page for a thread's stack")
